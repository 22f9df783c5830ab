import { existsSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import type { BuildOptions } from '../api/types/image.ts';
import { gitContext } from '../build/git-context.ts';
import { IechorError } from '../common/error.ts';
import { isGitAddress } from '../common/git-reference.ts';
import { archiveOrText, fetchContext } from '../context/archive-or-text.ts';
import { applyTar } from '../image/tar-apply.ts';

/** Name of a build file that came alone. */
const loneFile = 'Dockerfile';

/**
 * Puts the context that `remote` names into a directory: a repository, an archive, or a build file, which then is all
 * there is. Resolves with its place in it; undefined where none is named. Throws BUILD_CONTEXT, BUILD_FAILED.
 */
export async function openRemote(
  directory: string,
  {
    remote,
    buildargs,
    signal = new AbortController().signal,
  }: BuildOptions & { readonly signal?: AbortSignal | undefined },
): Promise<string | undefined> {
  if (!remote) return undefined;
  if (isGitAddress(remote)) {
    const keepGitDir = /^(1|true)$/i.test(buildargs?.BUILDKIT_CONTEXT_KEEP_GIT_DIR ?? '');
    return gitContext(remote, directory, { keepGitDir, signal });
  }
  if (!/^https?:\/\//.test(remote)) {
    throw new IechorError('BUILD_CONTEXT', `${JSON.stringify(remote)} is no address of a context`, {
      hint: 'It is a git repository, or an archive or build file by http or https.',
    });
  }
  const found = await archiveOrText(await fetchContext(remote, signal), remote);
  if ('archive' in found) await applyTar(Readable.from(found.archive), { root: directory }, signal);
  else writeFileSync(join(directory, loneFile), found.text, { mode: 0o644 });
  return directory;
}

/** The build file that a request names; of an address that gave no more than one, that one. */
export function buildFileOf({ remote, dockerfile }: BuildOptions, contextDir: string): string | undefined {
  const isNamed = dockerfile !== undefined && dockerfile !== '';
  if (!remote || !isNamed || existsSync(join(contextDir, posix.join('/', dockerfile)))) return dockerfile;
  return isGitAddress(remote) ? dockerfile : loneFile;
}
