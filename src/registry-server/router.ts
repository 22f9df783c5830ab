import { Refusal } from './refusal.ts';
import { isServedDigest, type ServedDigest } from './served-digest.ts';

/** What a request is about, read from its path alone. */
export type Target =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'tags'; readonly repository: string }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string }
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: ServedDigest }
  | { readonly kind: 'uploads'; readonly repository: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly id: string }
  | { readonly kind: 'referrers'; readonly repository: string; readonly digest: ServedDigest };

const nameGrammar = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagGrammar = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const longestName = 255;

/** Reads a path without its query. Names are checked before they mean anything. Throws Refusal. */
export function parseTarget(path: string): Target {
  if (path === '/v2' || path === '/v2/') return { kind: 'base' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  const [, name = '', rest = ''] =
    /^\/v2\/(.+?)\/((?:tags\/list|manifests\/[^/]+|blobs\/uploads\/?[^/]*|blobs\/[^/]+|referrers\/[^/]+))$/.exec(
      path,
    ) ?? [];
  if (name === '') throw new Refusal('UNSUPPORTED', 'no such resource', { status: 404 });
  const repository = checkedName(name);
  const [kind = '', first = '', second = ''] = rest.split('/');
  if (kind === 'tags') return { kind: 'tags', repository };
  if (kind === 'manifests') return { kind: 'manifest', repository, reference: checkedReference(first) };
  if (kind === 'referrers') return { kind: 'referrers', repository, digest: checkedDigest(first) };
  if (first !== 'uploads') return { kind: 'blob', repository, digest: checkedDigest(first) };
  return second === '' ? { kind: 'uploads', repository } : { kind: 'upload', repository, id: second };
}

/** Throws Refusal. */
export function checkedName(name: string): string {
  if (name.length <= longestName && nameGrammar.test(name)) return name;
  throw new Refusal('NAME_INVALID', 'invalid repository name');
}

/** Throws Refusal. */
export function checkedDigest(text: string): ServedDigest {
  const plain = text.replace(/^(sha256|sha512)%3a/i, '$1:');
  if (isServedDigest(plain)) return plain;
  throw new Refusal(
    'DIGEST_INVALID',
    'a digest is "sha256:" and 64 lower-case hexadecimal digits, or "sha512:" and 128',
  );
}

function checkedReference(text: string): string {
  return text.includes(':') || /%3a/i.test(text) ? checkedDigest(text) : checkedTag(text);
}

/** Throws Refusal. */
export function checkedTag(text: string): string {
  if (tagGrammar.test(text)) return text;
  throw new Refusal('MANIFEST_INVALID', 'invalid tag', { status: 404 });
}
