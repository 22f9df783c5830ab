import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { newId } from '../common/id.ts';
import type { Roots } from '../common/roots.ts';
import { removeTree } from '../host/files.ts';
import type { BuilderParts, StepContext } from './build-context.ts';

export const hashIndexRoot = (roots: Roots): string => join(roots.dataRoot, 'build-cache', 'hashes');
export const stepFilesRoot = (roots: Roots): string => join(roots.dataRoot, 'build-cache', 'files');
export const cacheMountRoot = (roots: Roots): string => join(roots.dataRoot, 'build-cache', 'mounts');

/**
 * A directory of RUN --mount=type=cache, filled when it is new. `locked`: one user after the other; `private`: a
 * directory of its own while another build uses it; `shared`: all at once. None is removed while it is in use.
 */
export async function acquireCacheDir(
  name: string,
  options: {
    readonly sharing: 'shared' | 'private' | 'locked';
    readonly description: string;
    readonly fill: (dir: string) => Promise<void>;
    readonly context: StepContext;
  },
): Promise<{ dir: string; release(): void }> {
  const { parts } = options.context.build;
  const open = async (chosen: string) => {
    const release = parts.cacheDirs.use(chosen, options.description);
    try {
      return { dir: await ensureDir(chosen, options.fill, parts), release };
    } catch (error) {
      release();
      throw error;
    }
  };
  if (options.sharing === 'shared') return open(name);
  if (options.sharing === 'private') {
    let chosen = name;
    for (let copy = 1; parts.cacheDirs.inUse(chosen); copy++) chosen = `${name}-${copy}`;
    return open(chosen);
  }
  const released = Promise.withResolvers<void>();
  const acquired = Promise.withResolvers<string>();
  const held = parts.mutex.run(`cache mount ${name}`, async () => {
    const { dir, release } = await open(name);
    acquired.resolve(dir);
    await released.promise;
    release();
  });
  held.catch(acquired.reject);
  return { dir: await acquired.promise, release: released.resolve };
}

/** Appears whole, by rename. */
function ensureDir(name: string, fill: (dir: string) => Promise<void>, parts: BuilderParts): Promise<string> {
  const root = cacheMountRoot(parts.roots);
  const dir = join(root, name);
  return parts.mutex.run(`new cache mount ${name}`, async () => {
    if (existsSync(dir)) return dir;
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const fresh = join(root, `new-${newId().slice(0, 16)}`);
    try {
      await fill(fresh);
      renameSync(fresh, dir);
    } catch (error) {
      removeTree(fresh);
      throw error;
    }
    return dir;
  });
}

/** Removes what an interrupted filling left. */
export function clearUnfinishedCacheDirs(roots: Roots): void {
  const root = cacheMountRoot(roots);
  if (!existsSync(root)) return;
  for (const name of readdirSync(root)) if (name.startsWith('new-')) removeTree(join(root, name));
}
