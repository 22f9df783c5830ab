import type { ExtractOptions } from './extraction.ts';
import type { FileCopy } from './file-copies.ts';
import type { CutLayer } from './layer-cut.ts';
import type { TreeTarOptions, TreeTarTotals } from './tree-tar.ts';
import type { Digest } from './types.ts';

/** What the layer worker does; each task has a message port of its own. */
export type LayerTask =
  | { readonly kind: 'apply'; readonly options: ApplyOptions }
  | { readonly kind: 'diff'; readonly options: TreeTarOptions }
  | { readonly kind: 'pack'; readonly options: PackOptions }
  | { readonly kind: 'compress'; readonly options: CompressOptions }
  | { readonly kind: 'copy'; readonly options: { readonly files: readonly FileCopy[] } }
  | { readonly kind: 'usage'; readonly options: { readonly directory: string; readonly content?: boolean } }
  | { readonly kind: 'remove'; readonly options: { readonly directory: string } }
  | { readonly kind: 'sync'; readonly options: { readonly directory: string } };

export interface ApplyOptions extends ExtractOptions {
  /** Also write what came in, compressed, to this new file. */
  readonly blobPath?: string;
  /** Read this file in place of the port. */
  readonly sourcePath?: string;
  /** That file is being written: `grown` messages say what there is of it, `end` that it is whole. */
  readonly sourceGrows?: boolean;
  /**
   * Of a plain archive, write what it takes to make it again from the tree to this new file, and no blob; where that
   * cannot be, the blob all the same. Needs `sourcePath`.
   */
  readonly recipePath?: string;
  /** The archive wraps layers: it has no digest, and what these hold goes to this directory, see layer-cut.ts. */
  readonly cutInto?: string;
  /** The file at `sourcePath` is such a layer; with `last` nobody else will need what was cut out. */
  readonly cut?: CutLayer & { readonly last: boolean };
}

export interface CompressOptions {
  /** A layer's files. */
  readonly directory: string;
  /** New file that receives the archive. */
  readonly path: string;
}

export interface Compressed {
  readonly diffId: Digest;
  readonly digest: Digest;
  readonly size: number;
}

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz';

export interface PackOptions extends TreeTarOptions {
  /** Digest that the archive must have. */
  readonly expected?: Digest;
}

export interface Applied {
  /** Digest of the uncompressed archive. */
  readonly diffId: Digest;
  readonly tarSizeBytes: number;
  /** Sum of the sizes of the files written. */
  readonly sizeBytes: number;
  readonly entries: number;
  /** What the archive was packed with. */
  readonly compression: Compression;
  /** What `blobPath` holds. */
  readonly blob?: { readonly digest: Digest; readonly size: number; readonly compression: 'gzip' | 'zstd' };
  /** What `cutInto` holds, by the paths of the layers in the archive. */
  readonly layers?: ReadonlyMap<string, CutLayer>;
}

export interface Diffed extends TreeTarTotals {
  readonly diffId: Digest;
}

export interface LayerResults {
  apply: Applied;
  diff: Diffed;
  pack: TreeTarTotals;
  compress: Compressed;
  copy: undefined;
  usage: number;
  remove: undefined;
  sync: undefined;
}

/** Messages of a task's port. `chunk` flows to `apply` and from `pack`; the other side answers each with `taken`. */
export type TaskMessage =
  | { readonly chunk: Uint8Array }
  | { readonly taken: number }
  | { readonly grown: number }
  | { readonly end: true }
  | { readonly abort: true }
  | { readonly result: LayerResults[keyof LayerResults] }
  | { readonly failure: Failure };

/** An error as it travels between threads. */
export interface Failure {
  readonly code?: string;
  readonly message: string;
  readonly hint?: string;
  readonly stack?: string;
}
