import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { IechorError } from '../../common/error.ts';
import { digestOf, parseDigest } from '../../image/digest.ts';
import { maxDocumentBytes, parseDocument } from '../../image/image-config.ts';
import { mediaTypes } from '../../image/media-types.ts';
import type { Descriptor, Digest } from '../../image/types.ts';
import { bytesOf } from '../../registry/upload.ts';
import type { ClientContent } from '../ports.ts';
import { bringFile } from './local-place.ts';
import { cacheManifest, readFound } from './manifest.ts';
import type { CachePlace, OutgoingCache, PlaceTools } from './place.ts';

/** A cache that the client keeps, and serves while it builds. `digest` names its manifest. */
export function clientPlace(
  options: PlaceTools & { readonly name: string; readonly digest: string; readonly content: ClientContent },
): CachePlace {
  const { name, digest, content, platform, images, work } = options;
  return {
    name,
    read: () =>
      readFound(
        {
          document: (descriptor) => smallBlob(content, descriptor.digest),
          manifest: async (given) => {
            const bytes = await smallBlob(content, given?.digest ?? parseDigest(digest));
            const { mediaType } = parseDocument(bytes, 'the manifest');
            return { content: bytes, mediaType: typeof mediaType === 'string' ? mediaType : mediaTypes.manifest };
          },
        },
        platform,
      ),
    async bring(layers, signal) {
      for (const layer of layers) {
        const fetch = (path: string) =>
          pipeline(content.read(layer.descriptor.digest), createWriteStream(path, { mode: 0o600 }), { signal });
        await bringFile(layer, { images, path: join(work(), 'blob'), fetch, signal });
      }
    },
  };
}

async function smallBlob(content: ClientContent, digest: Digest): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of content.read(digest) as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxDocumentBytes) throw new IechorError('ARCHIVE_INVALID', `${digest} is too large`);
    parts.push(part);
  }
  const bytes = Buffer.concat(parts);
  if (digestOf(bytes) === digest) return bytes;
  throw new IechorError('DIGEST_MISMATCH', `the client sent other content for ${digest}`);
}

/** Gives a cache to the client, which is told the manifest to put into its index. */
export async function writeToClient(content: ClientContent, cache: OutgoingCache): Promise<Descriptor> {
  const { content: bytes, mediaType, config, configDescriptor } = cacheManifest(cache);
  const manifest: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  for (const { descriptor, source } of cache.layers) await content.write(descriptor, async () => (await source())(0));
  await content.write(configDescriptor, async (): Promise<Readable> => bytesOf(config));
  await content.write(manifest, async (): Promise<Readable> => bytesOf(bytes));
  return manifest;
}
