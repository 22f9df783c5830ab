import { digestOf } from '../image/digest.ts';
import { maxDocumentBytes } from '../image/image-config.ts';
import { type Exchange, type Registry, send } from './exchange.ts';
import { describeManifest } from './manifest-document.ts';
import { Refusal } from './refusal.ts';
import { checkedTag } from './router.ts';
import { contentOf, isServedDigest, isSha512, sha512Of } from './served-digest.ts';

interface Place {
  readonly repository: string;
  /** A tag or a digest. */
  readonly reference: string;
}

/** GET and HEAD of a manifest. What was pushed comes before the engine's own images. */
export async function sendManifest(registry: Registry, exchange: Exchange, place: Place): Promise<void> {
  const found = pushed(registry, place) ?? (await registry.local.manifest(place.repository, place.reference));
  if (!found) throw new Refusal('MANIFEST_UNKNOWN', `no such manifest: ${place.repository}:${place.reference}`);
  send(exchange, {
    status: 200,
    headers: {
      'Content-Type': found.mediaType,
      'Docker-Content-Digest': found.digest,
      Etag: `"${found.digest}"`,
    },
    body: found.content,
  });
}

function pushed({ catalog, blobs }: Registry, { repository, reference }: Place) {
  const digest = isServedDigest(reference) ? reference : catalog.tagged(repository, reference);
  const record = digest && catalog.manifest(repository, digest);
  return record && { digest: record.digest, mediaType: record.mediaType, content: blobs.read(contentOf(record)) };
}

/** PUT: kept byte for byte, once everything it needs is there. One by digest may name tags in its query. */
export async function putManifest(registry: Registry, exchange: Exchange, place: Place): Promise<void> {
  const { catalog, blobs } = registry;
  const { repository, reference } = place;
  const content = await readBody(exchange);
  const own = digestOf(content);
  const digest = isSha512(reference) ? await sha512Of([content]) : own;
  if (isServedDigest(reference) && reference !== digest) {
    throw new Refusal('DIGEST_INVALID', `the manifest is ${digest}`);
  }
  const named = isServedDigest(reference) ? exchange.query.getAll('tag').map(checkedTag) : [];
  const tags = isServedDigest(reference) ? named : [reference];
  const described = describeManifest(content, exchange.request.headers['content-type']);
  for (const blob of described.blobs) {
    const lies = catalog.blobContent(repository, blob);
    if (lies && blobs.has(lies)) continue;
    throw new Refusal('MANIFEST_BLOB_UNKNOWN', `the repository has no blob ${blob}`);
  }
  for (const manifest of described.manifests) {
    if (registry.allowSparse || catalog.manifest(repository, manifest)) continue;
    throw new Refusal('MANIFEST_BLOB_UNKNOWN', `the repository has no manifest ${manifest}`);
  }
  blobs.put(content);
  catalog.addManifest(
    {
      ...{ repository, digest, ...(own !== digest && { content: own }) },
      ...{ sizeBytes: content.length, pushedAt: new Date().toISOString(), ...described },
    },
    tags,
  );
  send(exchange, {
    status: 201,
    headers: {
      Location: `/v2/${repository}/manifests/${digest}`,
      'Docker-Content-Digest': digest,
      ...(named.length > 0 && { 'OCI-Tag': named.join(', ') }),
      ...(described.subject && { 'OCI-Subject': described.subject }),
    },
  });
}

/** By digest the manifest and its tags go, by tag the tag alone. */
export function deleteManifest({ catalog }: Registry, exchange: Exchange, { repository, reference }: Place): void {
  const removed = isServedDigest(reference)
    ? catalog.removeManifest(repository, reference)
    : catalog.removeTag(repository, reference);
  if (!removed) throw new Refusal('MANIFEST_UNKNOWN', `no such manifest: ${repository}:${reference}`);
  send(exchange, { status: 202 });
}

/** Somewhat too much is read to its end, so that the client gets to read why it is refused. */
async function readBody({ request }: Exchange): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > 4 * maxDocumentBytes) break;
    if (size <= maxDocumentBytes) chunks.push(chunk);
  }
  if (size <= maxDocumentBytes) return Buffer.concat(chunks);
  throw new Refusal('SIZE_INVALID', `a manifest may have ${maxDocumentBytes} bytes`, { status: 413 });
}
