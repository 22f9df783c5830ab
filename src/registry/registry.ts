import type { Log } from '../common/log.ts';
import type { ImageStore } from '../image/image-port.ts';
import { parseReference, type Reference } from '../image/reference.ts';
import type { Descriptor, Digest, ImageRecord } from '../image/types.ts';
import type { Pushed } from './as-it-came.ts';
import { bringLayers, type Outgoing, publishManifests, readAdmitted, readDocument } from './contents.ts';
import type { RegistryContext, TransferOptions } from './context.ts';
import type { Credentials } from './credentials.ts';
import { createDownloads } from './downloads.ts';
import { logIn } from './login.ts';
import { listTags, type PullOptions, pullImage, readManifest } from './pull.ts';
import type { WantedLayer } from './pull-layers.ts';
import { type PushOptions, pushImage } from './push.ts';
import type { Found } from './repository.ts';
import { type SearchHit, type SearchOptions, searchImages } from './search.ts';
import { createSessions } from './sessions.ts';
import type { RegistrySettings } from './settings.ts';
import { createShared } from './shared.ts';
import type { TrustPolicy } from './trust-policy.ts';

/** The daemon's dealings with registries. */
export interface Registry {
  readonly settings: RegistrySettings;
  /** See `pullImage`. */
  pull(reference: string, options?: PullOptions): Promise<ImageRecord>;
  /** See `pushImage`. */
  push(reference: string, options?: PushOptions): Promise<Pushed>;
  /** Tags of the repository of a reference, sorted. */
  tags(reference: Reference, options?: TransferOptions): Promise<string[]>;
  /** The manifest or index of a reference; nothing is kept. */
  manifest(reference: string, options?: TransferOptions): Promise<Found>;
  /** See `readAdmitted`, `readDocument`, `bringLayers` and `publishManifests`: what is no image, or a part of one. */
  admitted(reference: string, options?: TransferOptions): Promise<Found>;
  document(reference: string, descriptor: Descriptor, options?: TransferOptions): Promise<Buffer>;
  layers(reference: string, layers: readonly WantedLayer[], options?: TransferOptions): Promise<void>;
  publish(reference: string, manifests: readonly Outgoing[], options?: TransferOptions): Promise<Digest>;
  /** See `logIn`. */
  logIn(
    server: string | undefined,
    credentials: Credentials | undefined,
    signal?: AbortSignal,
  ): Promise<{ identityToken?: string }>;
  search(term: string, options: SearchOptions): Promise<SearchHit[]>;
  /** Removes what unfinished downloads have left and nobody works on; returns the bytes freed. */
  sweep(): number;
}

/** Partial downloads that nobody came back for in this time go when the daemon starts. */
const forgottenAfterMs = 7 * 24 * 3_600_000;

export function createRegistry(options: {
  readonly images: ImageStore;
  readonly dataRoot: string;
  readonly settings: RegistrySettings;
  readonly log: Log;
  readonly policy?: (() => TrustPolicy) | undefined;
}): Registry {
  const { settings, dataRoot } = options;
  const { maxDownloads, maxAttempts } = settings;
  const downloads = createDownloads({ dataRoot, maxDownloads, maxAttempts });
  const context: RegistryContext = {
    ...options,
    downloads,
    sessions: createSessions(settings),
    unpacking: createShared<number, void>(),
  };
  downloads.sweep(forgottenAfterMs);
  return {
    settings,
    pull: (reference, asked) => pullImage(context, reference, asked),
    push: (reference, asked) => pushImage(context, reference, asked),
    tags: (reference, asked = {}) => listTags(context, reference, asked),
    manifest: (reference, asked = {}) => readManifest(context, parseReference(reference), asked),
    admitted: (reference, asked = {}) => readAdmitted(context, reference, asked),
    document: (reference, descriptor, asked = {}) => readDocument(context, reference, descriptor, asked),
    layers: (reference, layers, asked = {}) => bringLayers(context, reference, layers, asked),
    publish: (reference, manifests, asked = {}) => publishManifests(context, reference, manifests, asked),
    logIn: (server, credentials, signal) => logIn(settings, server, { credentials, signal }),
    search: (term, asked) => searchImages(settings, term, asked),
    sweep: () => downloads.sweep(),
  };
}
