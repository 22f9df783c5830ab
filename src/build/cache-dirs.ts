import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectStore } from '../common/object-store.ts';
import { removeTree } from '../host/files.ts';

/** A directory of RUN --mount=type=cache as it lies on the disk. */
export interface CacheDir {
  readonly name: string;
  readonly path: string;
  readonly description: string;
  readonly inUse: boolean;
  readonly createdAt: string;
  readonly usedAt: string;
}

/** The directories of cache mounts, and who is at work in them. */
export interface CacheDirs {
  readonly root: string;
  inUse(name: string): boolean;
  /** Notes that a step works there; to be called back when it does no longer. */
  use(name: string, description: string): () => void;
  list(): readonly CacheDir[];
  /** Removes those of these names that nobody works in. Returns their names. */
  remove(names: ReadonlySet<string>): readonly string[];
}

interface UseRecord {
  readonly type: 'mount';
  readonly description: string;
  readonly usedAt: string;
}

const kind = 'build-step';
const idOf = (name: string): string => `mount-${name}`;

export function openCacheDirs(store: ObjectStore, root: string): CacheDirs {
  const users = new Map<string, number>();
  const inUse = (name: string) => (users.get(name) ?? 0) > 0;
  const names = () => (existsSync(root) ? readdirSync(root) : []);
  return {
    root,
    inUse,
    use(name, description) {
      users.set(name, (users.get(name) ?? 0) + 1);
      const record: UseRecord = { type: 'mount', description, usedAt: new Date().toISOString() };
      store.put(kind, idOf(name), record);
      return () => {
        users.set(name, (users.get(name) ?? 1) - 1);
      };
    },
    list: () =>
      names().flatMap((name) => {
        const path = join(root, name);
        const createdAt = statSync(path, { throwIfNoEntry: false })?.birthtime.toISOString();
        if (createdAt === undefined) return [];
        const { description = 'cached mount', usedAt = createdAt } = store.get<UseRecord>(kind, idOf(name)) ?? {};
        return [{ name, path, description, inUse: inUse(name), createdAt, usedAt }];
      }),
    remove(chosen) {
      const going = names().filter((name) => chosen.has(name) && !inUse(name));
      for (const name of going) {
        removeTree(join(root, name));
        store.delete(kind, idOf(name));
      }
      return going;
    },
  };
}
