import { pipeline } from 'node:stream/promises';
import { isDigest } from '../image/digest.ts';
import { type Exchange, type Registry, send } from './exchange.ts';
import { Refusal } from './refusal.ts';
import type { ServedDigest } from './served-digest.ts';

interface Place {
  readonly repository: string;
  readonly digest: ServedDigest;
}

/** GET and HEAD of a blob, whole or a range of it. */
export async function sendBlob(registry: Registry, exchange: Exchange, { repository, digest }: Place): Promise<void> {
  const { catalog, blobs, local } = registry;
  const offered = isDigest(digest) && local.hasBlob(repository, digest) ? digest : undefined;
  const content = catalog.blobContent(repository, digest) ?? offered;
  const size = content && blobs.sizeBytes(content);
  if (content === undefined || size === undefined) {
    throw new Refusal('BLOB_UNKNOWN', 'the repository has no such blob');
  }
  const { request, response } = exchange;
  const range = rangeOf(request.headers.range, size);
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Docker-Content-Digest': digest,
    Etag: `"${digest}"`,
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'max-age=31536000',
    'Content-Length': end - start + 1,
    ...(range && { 'Content-Range': `bytes ${start}-${end}/${size}` }),
  };
  const status = range ? 206 : 200;
  if (request.method === 'HEAD' || size === 0) return send(exchange, { status, headers });
  response.writeHead(status, headers);
  await pipeline(blobs.open(content, start, end), response);
}

/** One range of bytes; several at once are answered as none, which the protocol allows. Throws Refusal. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, from = '', to = ''] = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (start <= end) return { start, end };
  throw new Refusal('SIZE_INVALID', 'the blob has no such bytes', {
    status: 416,
    headers: { 'Content-Range': `bytes */${size}` },
  });
}

export function deleteBlob({ catalog }: Registry, exchange: Exchange, { repository, digest }: Place): void {
  const removed = catalog.removeBlob(repository, digest);
  if (removed === false) throw new Refusal('BLOB_UNKNOWN', 'the repository has no such blob');
  if (removed !== true) throw new Refusal('UNSUPPORTED', `the manifest ${removed.digest} needs this blob`);
  send(exchange, { status: 202 });
}
