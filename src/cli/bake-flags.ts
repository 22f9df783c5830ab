import { IechorError } from '../common/error.ts';
import type { BakeTarget } from './bake-file.ts';
import { Flags } from './flags.ts';

/** The keys of `--allow` that a target needs a word for, then those for what bake reads and writes anyway. */
const guarded = ['network.host', 'security.insecure'];
const open = ['device', 'fs', 'fs.read', 'fs.write', 'image', 'image.load', 'image.push', 'ssh'];

/** What `--allow` lets the targets ask for. Throws USAGE for a key that is none. */
export function allowedOf(given: readonly string[] | undefined): ReadonlySet<string> {
  const keys = (given ?? []).map((text) => text.split('=')[0] ?? '');
  const unknown = keys.find((key) => !guarded.includes(key) && !open.includes(key));
  if (unknown === undefined) return new Set(keys);
  throw new IechorError('USAGE', `unknown entitlement key ${JSON.stringify(unknown)}`, {
    hint: [...guarded, ...open].join(', '),
  });
}

/** Throws USAGE where a target wants more of this machine than it was given: the file may be another's. */
export function refuseEntitlements(name: string, { entitlements = [] }: BakeTarget, allow: ReadonlySet<string>): void {
  const missing = entitlements.filter((key) => guarded.includes(key) && !allow.has(key));
  if (missing.length === 0) return;
  throw new IechorError('USAGE', `the target ${name} requests additional privileges: ${missing.join(', ')}`, {
    hint: `give them with ${missing.map((key) => `--allow ${key}`).join(' ')}`,
  });
}

/** The short forms of what is said of images, for every target. */
export const saidFlags = {
  provenance: Flags.string({ summary: 'Say how the images were built: true, false, mode=min, mode=max' }),
  sbom: Flags.string({ summary: 'Say what software the images have: true, false, generator=IMAGE' }),
};

/** A target's `attest` with the short forms in place of what it says of the same. */
export function attestOf(
  { attest = [] }: BakeTarget,
  flags: Readonly<Partial<Record<keyof typeof saidFlags, string | undefined>>>,
): readonly string[] | undefined {
  const given = (['provenance', 'sbom'] as const).flatMap((type) => {
    const text = flags[type];
    return text === undefined ? [] : [{ type, text: `type=${type}${attributes(text)}` }];
  });
  const kept = attest.filter((entry) => !given.some(({ type }) => entry.split(',').includes(`type=${type}`)));
  const all = [...kept, ...given.map(({ text }) => text)];
  return all.length > 0 ? all : undefined;
}

function attributes(text: string): string {
  if (/^(1|t|true)$/i.test(text)) return '';
  return /^(0|f|false)$/i.test(text) ? ',disabled=true' : `,${text}`;
}
