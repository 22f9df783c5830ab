import { isDigest } from '../image/digest.ts';
import { type Exchange, type Registry, send } from './exchange.ts';
import { Refusal } from './refusal.ts';
import { checkedDigest, checkedName } from './router.ts';
import type { Upload } from './upload-sessions.ts';

/** POST on uploads: a mount from another repository, a whole blob in one request, or the begin of an upload. */
export async function beginUpload(registry: Registry, exchange: Exchange, repository: string): Promise<void> {
  const { query, request } = exchange;
  const mount = query.get('mount');
  if (mount !== null && mountBlob(registry, { repository, mount, from: query.get('from') })) {
    return created(exchange, repository, mount);
  }
  const upload = await registry.uploads.begin(repository);
  const digest = query.get('digest');
  if (digest === null || mount !== null) return send(exchange, { status: 202, headers: progress(upload) });
  await upload.append(request);
  await complete(registry, exchange, upload);
}

/** True where the blob is now in the repository. Another repository's blob is given to whoever may push at all. */
function mountBlob(
  { catalog, blobs, local }: Registry,
  { repository, mount, from }: { repository: string; mount: string; from: string | null },
): boolean {
  const digest = checkedDigest(mount);
  const owner = from === null ? catalog.ownerOf(digest) : checkedName(from);
  if (owner === undefined) return false;
  const content = catalog.blobContent(owner, digest) ?? (isDigest(digest) && local.hasBlob(owner, digest) && digest);
  if (!content || !blobs.has(content)) return false;
  catalog.addBlob(repository, digest, content);
  return true;
}

export function uploadStatus(exchange: Exchange, upload: Upload): void {
  send(exchange, { status: 204, headers: progress(upload) });
}

/** PATCH: the next chunk, or all that is left as one stream. */
export async function appendChunk(exchange: Exchange, upload: Upload): Promise<void> {
  checkOrder(exchange, upload);
  await upload.append(exchange.request);
  send(exchange, { status: 202, headers: progress(upload) });
}

/** PUT: perhaps a last chunk, then the digest of it all. */
export async function finishUpload(registry: Registry, exchange: Exchange, upload: Upload): Promise<void> {
  checkedDigest(exchange.query.get('digest') ?? '');
  checkOrder(exchange, upload);
  await upload.append(exchange.request);
  await complete(registry, exchange, upload);
}

async function complete(registry: Registry, exchange: Exchange, upload: Upload): Promise<void> {
  const digest = checkedDigest(exchange.query.get('digest') ?? '');
  registry.catalog.addBlob(upload.repository, digest, await upload.finish(digest));
  created(exchange, upload.repository, digest);
}

function created(exchange: Exchange, repository: string, digest: string): void {
  const headers = { Location: `/v2/${repository}/blobs/${digest}`, 'Docker-Content-Digest': digest };
  send(exchange, { status: 201, headers });
}

/** A chunk that says where it lies must begin where the last one ended, and be as long as it says. */
function checkOrder({ request }: Exchange, upload: Upload): void {
  const range = request.headers['content-range'];
  if (range === undefined) return;
  const [, start, end] = /^([0-9]{1,15})-([0-9]{1,15})$/.exec(range) ?? [];
  const length = request.headers['content-length'];
  if (start !== undefined && Number(start) === upload.sizeBytes() && Number(end) >= Number(start)) {
    // Said beforehand, so that nothing of it counts.
    if (length === undefined || Number(length) === Number(end) - Number(start) + 1) return;
    throw new Refusal('SIZE_INVALID', 'the body has another size than its range', { headers: progress(upload) });
  }
  throw new Refusal('BLOB_UPLOAD_INVALID', `the upload goes on at ${upload.sizeBytes()}`, {
    status: 416,
    headers: progress(upload),
  });
}

function progress(upload: Upload): Record<string, string> {
  return {
    Location: `/v2/${upload.repository}/blobs/uploads/${upload.id}`,
    Range: `0-${Math.max(0, upload.sizeBytes() - 1)}`,
    'Docker-Upload-UUID': upload.id,
  };
}
