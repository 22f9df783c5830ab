import type { Duplex, Readable } from 'node:stream';
import type { ByteStream } from './streams.ts';
import type { BuildOptions, ProgressMessage } from './types/image.ts';
import type { RegistryAuth } from './types/registry.ts';

/** Content by digest that a client keeps, and serves while it builds. */
export interface ClientContent {
  /** A blob from its beginning; nothing of it is verified. */
  read(digest: string): Readable;
  /** Gives the client a blob, unless it has it: then `open` is not asked. */
  write(blob: { readonly digest: string; readonly size: number }, open: () => Promise<Readable>): Promise<void>;
}

/** What a build may ask of its client while it runs, where the client keeps a session open. */
export interface BuildClient {
  /** Content of a secret; undefined where the client has none by this id. */
  secret(id: string): Promise<Uint8Array | undefined>;
  /** Who the client is to a registry; undefined where it is nobody. */
  login(registry: string): Promise<RegistryAuth | undefined>;
  /** A store of content, by the client's name for it. */
  content(store: string): ClientContent;
  /** What opens connections to an SSH agent; undefined where the client has none by this id. */
  agent(id: string): Promise<(() => Duplex) | undefined>;
}

/** What stands in place of a stage or image: files, as an archive that is read once, or another image. */
export type ClientContext = { readonly archive: ByteStream } | { readonly image: string };

export type ClientBuild = BuildOptions & {
  readonly body: ByteStream;
  readonly client: BuildClient;
  readonly contexts?: ReadonlyMap<string, ClientContext>;
  readonly signal?: AbortSignal | undefined;
};

/** Builds with a client at hand. In the daemon only: functions do not travel. */
export interface SessionBuilds {
  /** As `imageBuild`, but what the options do not hold is asked for when a step needs it. */
  buildWithClient(request: ClientBuild): AsyncIterable<ProgressMessage>;
  /** Gives images, one for each platform, their names in common: by name alone this machine's is found. */
  nameTogether(request: { readonly images: readonly string[]; readonly names: readonly string[] }): Promise<void>;
}
