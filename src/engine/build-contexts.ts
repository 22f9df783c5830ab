import { lstatSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions } from '../api/types/image.ts';
import type { NamedContext } from '../build/build-context.ts';
import { openRemote } from '../build/remote-context.ts';
import { IechorError } from '../common/error.ts';

/**
 * Contexts by name of a request: images, what is fetched from an address to `aside`, and directories that travelled at
 * the top of the context's archive, which are moved out of it, to `aside`. Throws BAD_REQUEST, BUILD_CONTEXT.
 */
export async function namedContexts(
  given: BuildOptions['buildcontexts'],
  {
    contextDir,
    aside,
    signal,
  }: { readonly contextDir: string; readonly aside: string; readonly signal?: AbortSignal | undefined },
): Promise<Record<string, NamedContext>> {
  const found: Record<string, NamedContext> = Object.create(null);
  for (const [name, context] of Object.entries(given ?? {})) {
    const { image, path, remote } = context ?? {};
    if (image !== undefined) {
      found[name] = { image };
      continue;
    }
    const dir = join(aside, String(Object.keys(found).length));
    if (remote !== undefined) {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const fetched = await openRemote(dir, remote, { signal: signal ?? new AbortController().signal });
      found[name] = { dir: fetched.directory };
      continue;
    }
    const from = path !== undefined && /^\.iechor-context-[0-9a-z-]+$/.test(path) ? join(contextDir, path) : '';
    if (from === '' || !lstatSync(from, { throwIfNoEntry: false })?.isDirectory()) {
      throw new IechorError('BAD_REQUEST', `the context ${name} is not in the archive`);
    }
    mkdirSync(aside, { recursive: true, mode: 0o700 });
    renameSync(from, dir);
    found[name] = { dir };
  }
  return found;
}
