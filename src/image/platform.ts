import { IechorError } from '../common/error.ts';
import type { Descriptor, ImageRecord } from './types.ts';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const architectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  x86_64: 'amd64',
  aarch64: 'arm64',
  i386: '386',
  armhf: 'arm',
};

const systems = 'linux windows darwin macos freebsd openbsd netbsd solaris illumos aix wasip1'.split(' ');
const known = `amd64 386 arm arm64 ppc64 ppc64le mips mipsle mips64 mips64le riscv64 s390x loong64 sparc64 wasm
  armel armv7l armv6l`.split(/\s+/);

const systemPattern = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/;
const componentPattern = /^[A-Za-z0-9_.-]+$/;

/** `os/architecture[/variant]`, or either alone; none: this machine's. Throws BAD_REQUEST. */
export function parsePlatform(text?: string): Platform {
  if (text === undefined || text === '') {
    return { os: 'linux', architecture: architectures[process.arch] ?? process.arch };
  }
  const parts = text.toLowerCase().split('/');
  const quoted = JSON.stringify(text);
  const [first = '', ...others] = parts;
  if (parts.length > 3) throw refused(`${quoted}: cannot parse platform specifier`);
  if (!systemPattern.test(first)) throw mismatched(first, `OS component of ${quoted}: OSAndVersion`, systemPattern);
  const wrong = others.find((part) => !componentPattern.test(part));
  if (wrong !== undefined) throw mismatched(wrong, `component of ${quoted}: platform`, componentPattern);
  const [os, architecture, variant] = parts.length === 1 ? spelledOut(text) : parts;
  if (!os || !architecture) throw refused(`invalid platform ${JSON.stringify(text)}`);
  return { os, architecture: architectures[architecture] ?? architecture, ...(variant !== undefined && { variant }) };
}

/** An operating system alone means it on this machine's architecture, an architecture alone Linux on that. */
function spelledOut(text: string): readonly [string, string] {
  const one = text.toLowerCase();
  if (systems.includes(one)) return [one, parsePlatform().architecture];
  if (one in architectures || known.includes(one)) return ['linux', one];
  throw refused(`${JSON.stringify(text)}: unknown operating system or architecture`);
}

/** In the words of containerd's platforms, as Docker answers. */
function mismatched(part: string, where: string, pattern: RegExp): IechorError {
  const shown = JSON.stringify(pattern.source);
  return refused(`${JSON.stringify(part)} is an invalid ${where} specifier component must match ${shown}`);
}

function refused(message: string): IechorError {
  return new IechorError('BAD_REQUEST', `${message}: invalid argument`, { hint: 'a platform looks like linux/amd64' });
}

/** Whether an image of one platform is what was asked for; a variant counts where both name one. */
export function isPlatform(image: Partial<Platform>, wanted: Platform): boolean {
  return (
    (image.os ?? 'linux') === wanted.os &&
    sameArchitecture(image.architecture, wanted.architecture) &&
    (!image.variant || !wanted.variant || image.variant === wanted.variant)
  );
}

/** In what an image's platform differs from the one that was asked for (as text); undefined where it does not. */
export function platformMismatch(image: Partial<Platform>, platform: string | undefined): string | undefined {
  const wanted = platform ? parsePlatform(platform) : undefined;
  if (!wanted || isPlatform(image, wanted)) return undefined;
  return `its platform (${platformText(image)}) does not match the specified platform (${platformText(wanted)})`;
}

/** `os/architecture[/variant]`. */
export function platformText({ os = 'linux', architecture = 'unknown', variant }: Partial<Platform>): string {
  return [os, architecture, ...(variant ? [variant] : [])].join('/');
}

/**
 * Of the images that a name stands for the one for a platform (as text; none: the first). Throws IMAGE_NOT_FOUND, or
 * BAD_REQUEST for what is no platform.
 */
export function imageForPlatform(images: readonly ImageRecord[], name: string, platform: string | undefined) {
  const [first] = images;
  const wanted = platform === undefined ? undefined : parsePlatform(platform);
  const found = wanted ? images.find(({ config }) => isPlatform(config, wanted)) : first;
  if (found) return found;
  const there = images.map(({ config }) => `${config.os}/${config.architecture}`);
  const why =
    first && images.length === 1
      ? platformMismatch(first.config, platform)
      : `does not provide the specified platform (${platform})`;
  throw new IechorError('IMAGE_NOT_FOUND', `image with reference ${name} was found but ${why}`, {
    hint: `it is here for ${there.join(', ')}; get it with "iechor pull --platform ${platform} ${name}"`,
  });
}

/** `x86_64` is `amd64`, whoever wrote it. */
const sameArchitecture = (one: string | undefined, other: string): boolean =>
  one !== undefined && (architectures[one] ?? one) === (architectures[other] ?? other);

/** The descriptor that fits a platform: the same variant first, then none, then any. */
export function choosePlatform(descriptors: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const fitting = descriptors.filter(
    ({ platform }) => platform?.os === wanted.os && sameArchitecture(platform.architecture, wanted.architecture),
  );
  const variant = (value: string | undefined) => fitting.find(({ platform }) => platform?.variant === value);
  return variant(wanted.variant) ?? variant(undefined) ?? (wanted.variant === undefined ? fitting[0] : undefined);
}
