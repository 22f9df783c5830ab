import type { ImageAnnotations } from './types/image.ts';
import type { RegistryAuth } from './types/registry.ts';

/** Docker's filter form: name to accepted values; names are and-ed, values or-ed. */
export type Filters = Readonly<Record<string, readonly string[]>>;
/** Id, unambiguous id prefix or name. */
export interface ById {
  readonly id: string;
}
export interface WithSignal {
  readonly signal?: AbortSignal | undefined;
}

/** OCI's object: `os`, `architecture` and perhaps `variant`. */
export interface WithPlatform {
  readonly platform?: Readonly<Record<string, unknown>> | undefined;
}

/** Who the client is to the registry that the request concerns. */
export interface WithRegistryAuth {
  readonly registryAuth?: RegistryAuth | undefined;
}

export interface LogOptions {
  readonly follow?: boolean | undefined;
  readonly stdout?: boolean | undefined;
  readonly stderr?: boolean | undefined;
  /** Seconds since the epoch, with a fraction, or RFC 3339. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly timestamps?: boolean | undefined;
  /** Attributes that the log options chose stand before each line. */
  readonly details?: boolean | undefined;
  /** A number of lines or `all`. */
  readonly tail?: string | undefined;
}

export interface AttachOptions {
  readonly stream?: boolean | undefined;
  readonly stdin?: boolean | undefined;
  readonly stdout?: boolean | undefined;
  readonly stderr?: boolean | undefined;
  readonly logs?: boolean | undefined;
  readonly detachKeys?: string | undefined;
}

/** Ours: how what was built is pushed. */
export interface BuiltPush {
  /** Ids of images to push under the name, several below an index. */
  readonly images?: readonly string[] | undefined;
  readonly annotations?: ImageAnnotations | undefined;
  /** Of layers that were made here. */
  readonly packing?: LayoutPacking | undefined;
}

/** How layers are packed that are pushed or go into an image layout: as `--output` has it. */
export interface LayoutPacking {
  readonly compression?: string;
  readonly 'compression-level'?: string;
  readonly 'force-compression'?: string;
}
