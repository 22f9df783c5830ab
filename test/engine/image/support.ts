import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { silentLog } from '../../../src/common/log.ts';
import type { ObjectStore } from '../../../src/common/object-store.ts';
import { mountAt, mountsBelow, unmount } from '../../../src/host/mount.ts';
import { openStateDb } from '../../../src/host/state-db.ts';
import type { ImageStore } from '../../../src/image/image-port.ts';
import { createImageStore } from '../../../src/image/image-store.ts';
import { createSnapshotter } from '../../../src/image/overlay.ts';
import type { SnapshotMount, Snapshotter } from '../../../src/image/snapshotter.ts';
import { encodeHeader, paddingOf, type TarEntry } from '../../../src/image/tar-format.ts';

export interface TestEntry extends Partial<Omit<TarEntry, 'size'>> {
  readonly name: string;
  readonly content?: string | Buffer;
}

/** A tar archive of the entries, files where nothing else is said. */
export function tarball(entries: readonly TestEntry[], end = true): Buffer {
  const parts = entries.flatMap(({ content = '', ...entry }) => {
    const bytes = Buffer.from(content);
    const header = encodeHeader({
      type: 'file',
      mode: entry.type === 'directory' ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      mtimeNs: 1_600_000_000_000_000_000n,
      linkName: '',
      major: 0,
      minor: 0,
      xattrs: new Map(),
      ...entry,
      size: bytes.length,
    });
    return [header, bytes, Buffer.alloc(paddingOf(bytes.length))];
  });
  return Buffer.concat([...parts, Buffer.alloc(end ? 1024 : 0)]);
}

export const streamOf = (content: Buffer): Readable => Readable.from([Buffer.from(content)], { objectMode: false });

export interface Workbench {
  readonly dir: string;
  readonly store: ObjectStore;
  readonly snapshotter: Snapshotter;
  readonly images: ImageStore;
  /** Runs `body` while the mount is in place. */
  mounted<T>(mount: SnapshotMount, body: (root: string) => T): T;
  dispose(): void;
}

/** Images in a data root of their own. */
export function createWorkbench(name = 'iechor-image-'): Workbench {
  const dir = mkdtempSync(join(tmpdir(), name));
  const roots = { dataRoot: dir, execRoot: dir, scope: 'ffffffff' };
  const store = openStateDb(join(dir, 'state.db'));
  const snapshotter = createSnapshotter({ dir });
  const images = createImageStore({ store, snapshotter, roots, log: silentLog });
  return {
    dir,
    store,
    snapshotter,
    images,
    mounted: (mount, body) => {
      const root = mkdtempSync(join(dir, 'mnt-'));
      mountAt(mount, root);
      try {
        return body(root);
      } finally {
        unmount(root);
      }
    },
    dispose: () => {
      store.close();
      for (const place of mountsBelow(dir)) unmount(place);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** One line per entry: type, mode, owner, size or target, time, name, as GNU find sees the tree. */
export function listing(root: string): string {
  const format = '%y %m %U:%G %n %s %l %T@ %P\\n';
  // Sizes and link counts of directories belong to the file system.
  const text = execFileSync('find', [root, '-mindepth', '1', '-printf', format], { encoding: 'latin1' });
  const lines = text.split('\n').map((line) => line.replace(/^(d \S+ \S+) \S+ \S+/, '$1'));
  return lines.sort().join('\n');
}
