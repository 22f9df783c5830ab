import { createHash } from 'node:crypto';
import { isDigest } from '../image/digest.ts';
import type { Digest } from '../image/types.ts';

/** How clients name content: by SHA-256, under which it lies in the blob store, or by SHA-512. */
export type ServedDigest = Digest | Sha512;
export type Sha512 = `sha512:${string}`;

export function isServedDigest(text: unknown): text is ServedDigest {
  return isDigest(text) || isSha512(text);
}

export function isSha512(text: unknown): text is Sha512 {
  return typeof text === 'string' && /^sha512:[0-9a-f]{128}$/.test(text);
}

export async function sha512Of(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Sha512> {
  const hash = createHash('sha512');
  for await (const chunk of content) hash.update(chunk);
  return `sha512:${hash.digest('hex')}`;
}

/** Where a record's content lies in the blob store. */
export function contentOf(record: { readonly digest: ServedDigest; readonly content?: Digest }): Digest {
  const content = record.content ?? record.digest;
  if (isDigest(content)) return content;
  throw new Error(`no content is known for ${content}`);
}
