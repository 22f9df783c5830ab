import { cleanPath } from './path-text.ts';

export interface VolumeText {
  readonly type: 'bind' | 'volume';
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly nocopy: boolean;
  readonly propagation?: string;
  readonly selinux?: string;
  /** One or two characters are a target and nothing else: Compose then leaves out the `volume` section. */
  readonly bare: boolean;
}

/** Reads `[SOURCE:]TARGET[:OPTION,...]`. Unknown options are ignored, as Compose does. */
export function parseVolume(spec: string): VolumeText | { readonly error: string } {
  if (spec === '') return { error: 'invalid empty volume spec' };
  const bare = {
    type: 'volume',
    source: '',
    target: cleanPath(spec),
    readOnly: false,
    nocopy: false,
    bare: true,
  } as const;
  if (Buffer.byteLength(spec) <= 2) return bare;
  const parts = splitVolume(spec);
  if (parts.some((part) => part === '')) return { error: `invalid spec: ${spec}: empty section between colons` };
  if (parts.length > 3) return { error: `invalid spec: ${spec}: too many colons` };
  const [first = '', second, flags] = parts;
  const source = second === undefined ? '' : first;
  return {
    type: isHostPath(source) ? 'bind' : 'volume',
    source,
    target: cleanPath(second ?? first),
    bare: false,
    ...readFlags(flags),
  };
}

/** Colons in `${...}` and after a drive letter separate nothing. */
function splitVolume(spec: string): string[] {
  const parts: string[] = [];
  let part = '';
  let nesting = 0;
  for (let at = 0; at < spec.length; at++) {
    const char = spec[at] as string;
    if (char === '$' && spec[at + 1] === '{') nesting++;
    if (char === '}' && nesting > 0) nesting--;
    if (char === ':' && nesting === 0 && !/^\p{L}$/u.test(part)) {
      parts.push(part);
      part = '';
    } else part += char;
  }
  return [...parts, part];
}

const propagations: ReadonlySet<string> = new Set(['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave']);

function readFlags(flags: string | undefined): {
  readOnly: boolean;
  nocopy: boolean;
  propagation?: string;
  selinux?: string;
} {
  let readOnly = false;
  let nocopy = false;
  let propagation: string | undefined;
  let selinux: string | undefined;
  for (const flag of flags?.split(',') ?? []) {
    if (flag === 'ro' || flag === 'rw') readOnly = flag === 'ro';
    else if (flag === 'nocopy') nocopy = true;
    else if (propagations.has(flag)) propagation = flag;
    else if (flag === 'z' || flag === 'Z') selinux = flag;
  }
  return { readOnly, nocopy, ...(propagation && { propagation }), ...(selinux && { selinux }) };
}

export function isHostPath(source: string): boolean {
  return /^[./~]/.test(source) || source.startsWith('\\\\') || /^\p{L}:/u.test(source);
}
