import type { Digest } from '../image/types.ts';
import type { ServedDigest } from './served-digest.ts';

/** A manifest or index in a repository; its id in the object store is `repository@digest`. */
export interface ManifestRecord {
  readonly repository: string;
  readonly digest: ServedDigest;
  /** Where it lies in the blob store, if not under `digest`. */
  readonly content?: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** Blobs it needs: the config and layers of a manifest. */
  readonly blobs: readonly ServedDigest[];
  /** Manifests that an index lists. */
  readonly manifests: readonly ServedDigest[];
  /** What it says something about (distribution-spec, "Referrers"). */
  readonly subject?: ServedDigest;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly pushedAt: string;
}

/** A blob that was pushed or mounted into a repository; `repository@digest`. */
export interface BlobRecord {
  readonly repository: string;
  readonly digest: ServedDigest;
  /** Where it lies in the blob store, if not under `digest`. */
  readonly content?: Digest;
  readonly pushedAt: string;
}

/** `repository:tag`. */
export interface ServedTag {
  readonly repository: string;
  readonly tag: string;
  readonly digest: ServedDigest;
}
