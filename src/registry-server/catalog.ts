import type { ObjectStore } from '../common/object-store.ts';
import type { Digest } from '../image/types.ts';
import type { BlobRecord, ManifestRecord, ServedTag } from './records.ts';
import { contentOf, type ServedDigest } from './served-digest.ts';

/** What the repositories of a registry hold. */
export interface Catalog {
  repositories(): readonly string[];
  manifest(repository: string, digest: ServedDigest): ManifestRecord | undefined;
  /** What a tag points to. */
  tagged(repository: string, tag: string): ServedDigest | undefined;
  /** Names, in the order of their bytes. */
  tags(repository: string): readonly string[];
  /** Manifests that say something about another, the oldest first. */
  referrers(repository: string, subject: ServedDigest): readonly ManifestRecord[];
  /** Where a blob of the repository lies in the blob store; undefined where it has none. */
  blobContent(repository: string, digest: ServedDigest): Digest | undefined;
  /** A repository that has the blob. */
  ownerOf(digest: ServedDigest): string | undefined;
  addManifest(record: ManifestRecord, tags: readonly string[]): void;
  addBlob(repository: string, digest: ServedDigest, content: Digest): void;
  removeTag(repository: string, tag: string): boolean;
  /** The manifest, and the tags that point to it. */
  removeManifest(repository: string, digest: ServedDigest): boolean;
  /** False where there is none. A manifest of the repository that needs it is told in its place. */
  removeBlob(repository: string, digest: ServedDigest): boolean | ManifestRecord;
  /** Everything of a repository; false where there is nothing. */
  removeRepository(repository: string): boolean;
  /** Bytes of what a repository names, each digest once. */
  sizeBytes(repository: string, sizeOf: (digest: Digest) => number): number;
  /** Forgets blobs that no manifest has named in a day: their push was given up. */
  forgetUnnamed(): void;
}

const unnamedGraceMs = 24 * 60 * 60_000;
const key = (repository: string, digest: ServedDigest): string => `${repository}@${digest}`;

export function createCatalog(store: ObjectStore): Catalog {
  const manifests = () => store.list<ManifestRecord>('registry-manifest');
  const blobs = () => store.list<BlobRecord>('registry-blob');
  const tags = () => store.list<ServedTag>('registry-tag');
  const userOf = (repository: string, digest: ServedDigest) =>
    manifests().find((one) => one.repository === repository && one.blobs.includes(digest));
  return {
    repositories: () => [...new Set(manifests().map(({ repository }) => repository))].sort(),
    manifest: (repository, digest) => store.get<ManifestRecord>('registry-manifest', key(repository, digest)),
    tagged: (repository, tag) => store.get<ServedTag>('registry-tag', `${repository}:${tag}`)?.digest,
    tags: (repository) =>
      tags()
        .flatMap((one) => (one.repository === repository ? [one.tag] : []))
        .sort(),
    referrers: (repository, subject) =>
      manifests()
        .filter((one) => one.repository === repository && one.subject === subject)
        .sort((a, b) => (a.pushedAt < b.pushedAt ? -1 : 1)),
    blobContent: (repository, digest) => {
      const record = store.get<BlobRecord>('registry-blob', key(repository, digest));
      return record && contentOf(record);
    },
    ownerOf: (digest) => blobs().find((one) => one.digest === digest)?.repository,
    addManifest: (record, tags) => store.transaction(() => addManifest(store, record, tags)),
    addBlob: (repository, digest, content) => {
      const record = { repository, digest, ...(content !== digest && { content }), pushedAt: new Date().toISOString() };
      store.put<BlobRecord>('registry-blob', key(repository, digest), record);
    },
    removeTag: (repository, tag) => {
      const id = `${repository}:${tag}`;
      if (!store.get('registry-tag', id)) return false;
      store.delete('registry-tag', id);
      return true;
    },
    removeManifest: (repository, digest) => {
      if (!store.get('registry-manifest', key(repository, digest))) return false;
      store.transaction(() => {
        for (const one of tags()) {
          if (one.repository === repository && one.digest === digest)
            store.delete('registry-tag', `${repository}:${one.tag}`);
        }
        store.delete('registry-manifest', key(repository, digest));
      });
      return true;
    },
    removeBlob: (repository, digest) => {
      if (!store.get('registry-blob', key(repository, digest))) return false;
      const user = userOf(repository, digest);
      if (user) return user;
      store.delete('registry-blob', key(repository, digest));
      return true;
    },
    removeRepository: (repository) => removeRepository(store, repository),
    sizeBytes: (repository, sizeOf) => {
      const named = [...manifests(), ...blobs()].flatMap((one) =>
        one.repository === repository ? [contentOf(one)] : [],
      );
      return [...new Set(named)].reduce((sum, digest) => sum + sizeOf(digest), 0);
    },
    forgetUnnamed: () => {
      const named = new Set(manifests().flatMap((one) => one.blobs.map((digest) => key(one.repository, digest))));
      for (const { repository, digest, pushedAt } of blobs()) {
        if (named.has(key(repository, digest)) || Date.now() - Date.parse(pushedAt) < unnamedGraceMs) continue;
        store.delete('registry-blob', key(repository, digest));
      }
    },
  };
}

function addManifest(store: ObjectStore, record: ManifestRecord, tags: readonly string[]): void {
  const { repository, digest } = record;
  store.put<ManifestRecord>('registry-manifest', key(repository, digest), record);
  for (const tag of tags) store.put<ServedTag>('registry-tag', `${repository}:${tag}`, { repository, tag, digest });
}

function removeRepository(store: ObjectStore, repository: string): boolean {
  const own = <T extends { readonly repository: string }>(
    kind: 'registry-manifest' | 'registry-blob' | 'registry-tag',
  ) => store.list<T>(kind).filter((one) => one.repository === repository);
  const going = [...own<ManifestRecord>('registry-manifest'), ...own<BlobRecord>('registry-blob')];
  store.transaction(() => {
    for (const { tag } of own<ServedTag>('registry-tag')) store.delete('registry-tag', `${repository}:${tag}`);
    for (const { digest } of going) {
      store.delete('registry-manifest', key(repository, digest));
      store.delete('registry-blob', key(repository, digest));
    }
  });
  return going.length > 0;
}
