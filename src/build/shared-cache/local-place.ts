import { constants, copyFileSync, createReadStream, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { IechorError } from '../../common/error.ts';
import { resolveInRoot } from '../../host/rooted.ts';
import type { ImageStore } from '../../image/image-port.ts';
import type { Descriptor } from '../../image/types.ts';
import type { WantedLayer } from '../../registry/pull-layers.ts';
import { verifier } from '../../registry/verifier.ts';
import { blobPath, entriesIn, missing, readBlob, tagOf } from './local-layout.ts';
import { readFound } from './manifest.ts';
import type { CachePlace, PlaceTools } from './place.ts';

/** A cache in a directory of this machine: an OCI image layout. What lies there is somebody else's, links and all. */
export function localPlace(
  options: PlaceTools & { readonly name: string; readonly directory: string; readonly tag: string },
): CachePlace {
  const { name, directory, tag, platform, images, work } = options;
  const document = async (descriptor: Descriptor) => readBlob(directory, descriptor);
  return {
    name,
    read: () =>
      readFound(
        {
          document,
          manifest: async (given) => {
            const descriptor = given ?? entryOf(directory, tag);
            return { content: await document(descriptor), mediaType: descriptor.mediaType };
          },
        },
        platform,
      ),
    async bring(layers, signal) {
      for (const layer of layers) {
        const fetch = async (path: string) => copyBlob(directory, layer.descriptor, path);
        await bringFile(layer, { images, path: join(work(), 'blob'), fetch, signal });
      }
    },
  };
}

function entryOf(directory: string, tag: string): Descriptor {
  const entries = entriesIn(directory);
  const found = entries.find((entry) => tagOf(entry) === tag);
  const only = entries.length === 1 && tag === 'latest' ? entries[0] : undefined;
  if (found ?? only) return (found ?? only) as Descriptor;
  throw new IechorError('IMAGE_NOT_FOUND', `it holds nothing named ${tag}`);
}

function copyBlob(directory: string, descriptor: Descriptor, path: string): void {
  const from = resolveInRoot(directory, blobPath(descriptor));
  if (from === undefined || !statSync(from).isFile()) throw missing(descriptor);
  copyFileSync(from, path, constants.COPYFILE_FICLONE);
}

/** Brings a layer whose archive `fetch` puts into a file; verified while it is unpacked. */
export async function bringFile(
  { descriptor, diffId, chainId, parent }: WantedLayer,
  {
    images,
    path,
    fetch,
    signal,
  }: {
    readonly images: ImageStore;
    readonly path: string;
    readonly fetch: (path: string) => Promise<void>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  if (images.holdLayer(chainId)) return;
  try {
    await fetch(path);
    const tar = pipeline(createReadStream(path), verifier(descriptor), () => {});
    await images.addPulledLayer(tar, { parent, diffId, archive: { descriptor, path }, signal });
  } finally {
    rmSync(path, { force: true });
  }
}
