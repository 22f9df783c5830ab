import { digestOf, isDigest } from '../image/digest.ts';
import { maxDocumentBytes } from '../image/image-config.ts';
import type { Digest } from '../image/types.ts';
import { type Exchange, type Registry, send } from './exchange.ts';
import { describeManifest } from './manifest-document.ts';
import { Refusal } from './refusal.ts';

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
  const digest = isDigest(reference) ? reference : catalog.tagged(repository, reference);
  const record = digest && catalog.manifest(repository, digest);
  return record && { digest: record.digest, mediaType: record.mediaType, content: blobs.read(record.digest) };
}

/** PUT: kept byte for byte, once everything it needs is there. */
export async function putManifest(registry: Registry, exchange: Exchange, place: Place): Promise<void> {
  const { catalog, blobs } = registry;
  const { repository, reference } = place;
  const content = await readBody(exchange);
  const digest = digestOf(content);
  if (isDigest(reference) && reference !== digest) throw new Refusal('DIGEST_INVALID', `the manifest is ${digest}`);
  const described = describeManifest(content, exchange.request.headers['content-type']);
  for (const blob of described.blobs) {
    if (catalog.hasBlob(repository, blob) && blobs.has(blob)) continue;
    throw new Refusal('MANIFEST_BLOB_UNKNOWN', `the repository has no blob ${blob}`);
  }
  for (const manifest of described.manifests) {
    if (catalog.manifest(repository, manifest)) continue;
    throw new Refusal('MANIFEST_BLOB_UNKNOWN', `the repository has no manifest ${manifest}`);
  }
  blobs.put(content);
  catalog.addManifest(
    { repository, digest, sizeBytes: content.length, pushedAt: new Date().toISOString(), ...described },
    isDigest(reference) ? undefined : reference,
  );
  send(exchange, {
    status: 201,
    headers: {
      Location: `/v2/${repository}/manifests/${digest}`,
      'Docker-Content-Digest': digest,
      ...(described.subject && { 'OCI-Subject': described.subject }),
    },
  });
}

/** By digest the manifest and its tags go, by tag the tag alone. */
export function deleteManifest({ catalog }: Registry, exchange: Exchange, { repository, reference }: Place): void {
  const removed = isDigest(reference)
    ? catalog.removeManifest(repository, reference as Digest)
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
