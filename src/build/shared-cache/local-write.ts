import {
  closeSync,
  constants,
  fchownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { codeOf, IechorError } from '../../common/error.ts';
import { newId } from '../../common/id.ts';
import { digestOf, hexOf } from '../../image/digest.ts';
import { isFields, parseDescriptor, parseDocument } from '../../image/image-config.ts';
import { mediaTypes } from '../../image/media-types.ts';
import { cacheTypes } from './document.ts';
import { blobPath, entriesIn, type LayoutEntry, readBlob, tagKey, tagOf } from './local-layout.ts';
import { cacheManifest } from './manifest.ts';
import type { OutgoingCache } from './place.ts';

/**
 * Writes a cache into a directory, as an image layout of its owner's; it replaces the cache of the same tag. Blobs that
 * no cache of the directory names any longer go, unless the layout holds anything else.
 */
export async function writeToDirectory(
  { directory, tag }: { readonly directory: string; readonly tag: string },
  cache: OutgoingCache,
): Promise<void> {
  const { content, mediaType, config, configDescriptor } = cacheManifest(cache);
  const write = (name: string, bytes: Readable) => writeBeside(directory, name, bytes);
  for (const name of ['blobs', 'blobs/sha256']) makePlainDirectory(directory, name);
  for (const { descriptor, source } of cache.layers) {
    const path = join(directory, blobPath(descriptor));
    if (lstatSync(path, { throwIfNoEntry: false })?.size === descriptor.size) continue;
    await write(blobPath(descriptor), (await source())(0));
  }
  const manifest = { mediaType, digest: digestOf(content), size: content.length };
  const others = entriesIn(directory).filter((entry) => tagOf(entry) !== tag);
  const entry: LayoutEntry = { ...manifest, artifactType: cacheTypes.artifact, annotations: { [tagKey]: tag } };
  const manifests = [...others, entry];
  await write(blobPath(configDescriptor), Readable.from([config]));
  await write(blobPath(manifest), Readable.from([content]));
  await write('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  await write('index.json', json({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }));
  removeUnnamed(directory, manifests);
}

const json = (value: object): Readable => Readable.from([Buffer.from(JSON.stringify(value))]);

/** A directory and no link to one: what is written must stay inside. */
function makePlainDirectory(directory: string, name: string): void {
  const path = join(directory, name);
  try {
    mkdirSync(path, { mode: 0o755 });
    const { uid, gid } = statSync(directory);
    lchownSync(path, uid, gid);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    if (lstatSync(path).isDirectory()) return;
    throw new IechorError('BAD_REQUEST', `${path} is no directory`, { cause: error });
  }
}

/** Writes a file whole under another name first; a link of its name is replaced, not followed. */
async function writeBeside(directory: string, name: string, content: Readable): Promise<void> {
  const temporary = join(directory, `.iechor-${newId().slice(0, 12)}`);
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  const fd = openSync(temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o644);
  try {
    const { uid, gid } = statSync(directory);
    fchownSync(fd, uid, gid);
    for await (const chunk of content as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    }
    renameSync(temporary, join(directory, name));
  } finally {
    closeSync(fd);
    rmSync(temporary, { force: true });
  }
}

function removeUnnamed(directory: string, entries: readonly LayoutEntry[]): void {
  if (!entries.every(({ artifactType }) => artifactType === cacheTypes.artifact)) return;
  const named = new Set(
    entries.flatMap((entry) => [entry.digest, ...digestsIn(readBlob(directory, entry))]).map(hexOf),
  );
  for (const name of readdirSync(join(directory, 'blobs/sha256'))) {
    if (/^[0-9a-f]{64}$/.test(name) && !named.has(name)) rmSync(join(directory, 'blobs/sha256', name), { force: true });
  }
}

function digestsIn(manifest: Buffer) {
  const { config, layers } = parseDocument(manifest, 'a manifest');
  return [config, ...(Array.isArray(layers) ? layers : [])]
    .filter(isFields)
    .map((one) => parseDescriptor(one, 'a blob').digest);
}
