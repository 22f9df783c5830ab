import { IechorError } from '../common/error.ts';
import type { Descriptor } from './types.ts';

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

/** `os/architecture[/variant]`, or an architecture alone; none: this machine's. Throws BAD_REQUEST. */
export function parsePlatform(text?: string): Platform {
  if (text === undefined || text === '') {
    return { os: 'linux', architecture: architectures[process.arch] ?? process.arch };
  }
  const parts = text.toLowerCase().split('/');
  const [os, architecture, variant] = parts.length === 1 ? ['linux', parts[0]] : parts;
  if (!os || !architecture || parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) {
    throw new IechorError('BAD_REQUEST', `invalid platform ${JSON.stringify(text)}`, { hint: 'e.g. linux/amd64' });
  }
  const known = architectures[architecture] ?? architecture;
  return { os, architecture: known, ...(variant !== undefined && { variant }) };
}

/** The descriptor that fits a platform: the same variant first, then none, then any. */
export function choosePlatform(descriptors: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const fitting = descriptors.filter(
    ({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture,
  );
  const variant = (value: string | undefined) => fitting.find(({ platform }) => platform?.variant === value);
  return variant(wanted.variant) ?? variant(undefined) ?? (wanted.variant === undefined ? fitting[0] : undefined);
}
