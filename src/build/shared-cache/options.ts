import { IechorError } from '../../common/error.ts';
import { type Packing, readPacking, readSwitch } from '../../image/packing.ts';
import { parseReference } from '../../image/reference.ts';

/** `--cache-from` or `--cache-to` as it travels: a type, and its attributes by name. */
export interface CacheEntry {
  readonly type: string;
  readonly attrs: Readonly<Record<string, string>>;
}

export type CacheImport =
  | { readonly type: 'registry'; readonly name: string }
  | { readonly type: 'local'; readonly name: string; readonly directory: string; readonly tag: string }
  /** Kept by the client, in a store of that name. */
  | { readonly type: 'client'; readonly name: string; readonly store: string; readonly digest: string };

export interface CacheExport {
  readonly type: 'inline' | 'registry' | 'local';
  /** Where the client keeps it, in place of a directory of this machine. */
  readonly store?: string;
  readonly name: string;
  readonly directory: string;
  readonly tag: string;
  /** `max`: also the layers of stages that the image is not made of. */
  readonly mode: 'min' | 'max';
  readonly packing: Packing;
  /** A cache that cannot be written fails no build. */
  readonly ignoreError: boolean;
}

const refused: Readonly<Record<string, string>> = {
  gha: 'keeping caches with GitHub Actions',
  s3: 'keeping caches in S3',
  azblob: 'keeping caches in Azure',
};

function typeOf<T extends string>(entry: CacheEntry, known: readonly T[]): T {
  const { type } = entry;
  const found = known.find((one) => one === type);
  if (found) return found;
  if (Object.hasOwn(refused, type)) {
    throw new IechorError('NOT_SUPPORTED', `${refused[type]} (type=${type}) is not supported`, {
      hint: 'keep the cache in a registry: type=registry,ref=NAME',
    });
  }
  throw wrong(`there is no cache of type ${JSON.stringify(type)}`, `known: ${known.join(', ')}`);
}

const wrong = (message: string, hint?: string): IechorError => new IechorError('BAD_REQUEST', message, { hint });

function only({ type, attrs }: CacheEntry, names: readonly string[]): void {
  const unknown = Object.keys(attrs).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw wrong(`${JSON.stringify(unknown)} is no option of a cache of type ${type}`, `known: ${names.join(', ')}`);
}

function needed({ type, attrs }: CacheEntry, name: string): string {
  const value = attrs[name];
  if (value) return value;
  throw wrong(`a cache of type ${type} needs ${name}=`);
}

function refOf(entry: CacheEntry): string {
  const ref = needed(entry, 'ref');
  parseReference(ref);
  return ref;
}

function tagOf({ attrs }: CacheEntry): string {
  const { tag = 'latest' } = attrs;
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(tag)) return tag;
  throw wrong(`${JSON.stringify(tag)} is no tag`);
}

/** Reads where caches are taken from. Throws BAD_REQUEST, NOT_SUPPORTED, REFERENCE_INVALID. */
export function readImport(entry: CacheEntry): CacheImport {
  const type = typeOf(entry, ['registry', 'local'] as const);
  if (type === 'registry') {
    only(entry, ['ref']);
    return { type, name: refOf(entry) };
  }
  only(entry, ['src', 'tag', 'digest', 'store']);
  const directory = needed(entry, 'src');
  const { store } = entry.attrs;
  if (store) return { type: 'client', name: directory, store, digest: needed(entry, 'digest') };
  only(entry, ['src', 'tag']);
  return { type, name: directory, directory, tag: tagOf(entry) };
}

const packingNames = ['compression', 'compression-level', 'force-compression'];
const commonNames = ['mode', 'oci-mediatypes', 'image-manifest', 'ignore-error', ...packingNames];

/** Reads where a cache is written to. Throws as `readImport`. */
export function readExport(entry: CacheEntry): CacheExport {
  const type = typeOf(entry, ['inline', 'registry', 'local'] as const);
  const { attrs } = entry;
  const ignoreError = readSwitch(attrs, 'ignore-error', false);
  const packing = readPacking(attrs);
  const common = { type, directory: '', tag: 'latest', packing, ignoreError, mode: modeOf(attrs) };
  if (type === 'inline') {
    only(entry, ['ignore-error']);
    return { ...common, name: 'the image' };
  }
  for (const name of ['oci-mediatypes', 'image-manifest']) {
    if (!readSwitch(attrs, name, true)) {
      throw new IechorError('NOT_SUPPORTED', `a cache is always written as an OCI image manifest (${name}=false)`, {
        hint: `leave ${name} out`,
      });
    }
  }
  if (type === 'registry') {
    only(entry, ['ref', ...commonNames]);
    const name = refOf(entry);
    if (parseReference(name).digest !== undefined) throw wrong('a cache is written to a tag, not to a digest');
    return { ...common, name };
  }
  only(entry, ['dest', 'tag', 'store', ...commonNames]);
  const directory = needed(entry, 'dest');
  const { store } = attrs;
  return { ...common, name: directory, directory, tag: tagOf(entry), ...(store && { store }) };
}

function modeOf({ mode = 'min' }: CacheEntry['attrs']): 'min' | 'max' {
  if (mode === 'min' || mode === 'max') return mode;
  throw wrong(`there is no mode ${JSON.stringify(mode)} of caches`, 'mode=min or mode=max');
}
