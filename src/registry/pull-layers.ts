import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { codeOf, messageOf } from '../common/error.ts';
import { shortId } from '../common/id.ts';
import { requireSpace } from '../image/space.ts';
import type { ChainId, Descriptor, Digest } from '../image/types.ts';
import type { RegistryContext } from './context.ts';
import type { Download, DownloadSource } from './downloads.ts';
import { meter, type Report } from './progress-bar.ts';
import { verifier } from './verifier.ts';

/** A layer that is to be here in the end. */
export interface WantedLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly chainId: ChainId;
  readonly parent: ChainId | undefined;
}

export interface LayersOptions {
  readonly source: DownloadSource;
  readonly report: Report;
  readonly signal: AbortSignal | undefined;
}

/**
 * Brings the missing layers of an image: all downloads at once, within the limit of the daemon, and each unpacked over
 * the one below while it arrives. Throws NO_SPACE before anything is fetched where it cannot fit.
 */
export async function pullLayers(
  context: RegistryContext,
  layers: readonly WantedLayer[],
  options: LayersOptions,
): Promise<void> {
  const { report } = options;
  const missing: WantedLayer[] = [];
  for (const layer of layers) {
    const here = context.images.holdLayer(layer.chainId);
    report({ status: here ? 'Already exists' : 'Pulling fs layer', layer: shortId(layer.descriptor.digest) });
    if (!here) missing.push(layer);
  }
  checkSpace(context, missing);
  const arrivals = missing.map((layer) => arrive(context, layer, options));
  // The disk writes what is unpacked while the next is, so that little is left to wait for in the end.
  let settling: Promise<void> | undefined;
  const settle = (chainId: ChainId) => {
    settling ??= context.images
      .settle([chainId])
      .catch((error: unknown) => context.log.debug('a layer is not settled yet', { error: messageOf(error) }))
      .finally(() => {
        settling = undefined;
      });
  };
  try {
    for (const [index, layer] of missing.entries()) {
      await unpack(context, layer, { ...options, arrival: arrivals[index] });
      if (index < missing.length - 1) settle(layer.chainId);
      report({ status: 'Pull complete', layer: shortId(layer.descriptor.digest) });
    }
  } finally {
    for (const arrival of arrivals) arrival.leave();
    await settling;
  }
}

function checkSpace({ dataRoot }: RegistryContext, missing: readonly WantedLayer[]): void {
  // What arrives is kept, and unpacks to at least as much again.
  const needed = missing.reduce((sum, { descriptor }) => sum + 2 * descriptor.size, 0);
  if (needed > 0) requireSpace(dataRoot, needed, 'pulling the image');
}

/** A download under way, reported. Left when it is not needed any more. */
interface Arrival {
  /** None where the blob is in the store already. */
  readonly download: Download | undefined;
  leave(): void;
}

function arrive(context: RegistryContext, { descriptor }: WantedLayer, options: LayersOptions): Arrival {
  const { images, downloads } = context;
  const { source, report } = options;
  const layer = shortId(descriptor.digest);
  if (images.blobSize(descriptor.digest) === descriptor.size) return { download: undefined, leave: () => {} };
  const download = downloads.join(descriptor, source);
  if (download.queued()) report({ status: 'Waiting', layer });
  const show = meter(report, { status: 'Downloading', layer, total: descriptor.size });
  let watching = true;
  const timer = setInterval(() => {
    if (!download.queued()) show(download.bytes());
  }, 100);
  const stop = () => {
    clearInterval(timer);
    watching = false;
  };
  download.done.then(
    () => {
      if (!watching) return;
      stop();
      report({ status: 'Verifying Checksum', layer });
      report({ status: 'Download complete', layer });
    },
    () => stop(),
  );
  const leave = () => {
    stop();
    download.leave();
  };
  return { download, leave };
}

interface UnpackOptions extends LayersOptions {
  readonly arrival: Arrival | undefined;
}

/** Unpacks a layer, once for all that want it now. A download that resumed something wrong is made once more. */
async function unpack(context: RegistryContext, layer: WantedLayer, options: UnpackOptions): Promise<void> {
  const { descriptor, chainId } = layer;
  const { report, signal, arrival } = options;
  const show = meter(report, { status: 'Extracting', layer: shortId(descriptor.digest), total: descriptor.size });
  let downloaded = arrival?.download === undefined;
  arrival?.download?.done.then(
    () => {
      downloaded = true;
    },
    () => {},
  );
  const onEvent = (position: number) => {
    if (downloaded) show(position);
  };
  await context.unpacking.run(
    chainId,
    async (emit, ending) => {
      if (context.images.holdLayer(chainId)) return;
      try {
        await unpackOnce(context, layer, { source: options.source, emit, signal: ending });
      } catch (error) {
        const resumed = codeOf(error) === 'DIGEST_MISMATCH' && (arrival?.download?.resumed() ?? false);
        if (!resumed || ending.aborted) throw error;
        await unpackOnce(context, layer, { source: options.source, emit, signal: ending });
      }
    },
    { onEvent, signal },
  );
}

async function unpackOnce(
  context: RegistryContext,
  { descriptor, diffId, parent }: WantedLayer,
  options: { readonly source: DownloadSource; readonly emit: (position: number) => void; readonly signal: AbortSignal },
): Promise<void> {
  const { images, downloads } = context;
  const { source, emit, signal } = options;
  if (images.blobSize(descriptor.digest) === descriptor.size) {
    const tar = pipeline(images.openBlob(descriptor.digest), verifier(descriptor, emit), () => {});
    await images.addPulledLayer(tar, { parent, diffId, archive: { descriptor }, signal });
    return;
  }
  const download = downloads.join(descriptor, source);
  try {
    const archive = { descriptor, path: download.path };
    await images.addPulledLayer(download.file(emit), { parent, diffId, archive, signal });
    download.handedOver();
    // Where the layer came in otherwise meanwhile.
    await rm(download.path, { force: true });
  } finally {
    download.leave();
  }
}
