import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { isGitAddress } from '../common/git-reference.ts';
import { archiveOrText, fetchContext } from '../context/archive-or-text.ts';
import { applyTar } from '../image/tar-apply.ts';
import { gitContext } from './git-context.ts';

/** Name of a build file that came alone. */
const loneFile = 'Dockerfile';

/** A context that was fetched; of a build file that came alone, its name. */
export interface RemoteContext {
  readonly directory: string;
  readonly buildFile?: string;
}

/**
 * Puts the context at an address into a directory: a repository, an archive, or a build file, which then is all there is.
 * Throws BUILD_CONTEXT, BUILD_FAILED.
 */
export async function openRemote(
  directory: string,
  remote: string,
  { keepGitDir = false, signal }: { readonly keepGitDir?: boolean; readonly signal: AbortSignal },
): Promise<RemoteContext> {
  if (isGitAddress(remote)) {
    return { directory: await gitContext(remote, directory, { keepGitDir, signal }) };
  }
  if (!/^https?:\/\//.test(remote)) {
    throw new IechorError('BUILD_CONTEXT', `${JSON.stringify(remote)} is no address of a context`, {
      hint: 'It is a git repository, or an archive or build file by http or https.',
    });
  }
  const found = await archiveOrText(await fetchContext(remote, signal), remote);
  if ('archive' in found) {
    await applyTar(Readable.from(found.archive), { root: directory }, signal);
    return { directory };
  }
  writeFileSync(join(directory, loneFile), found.text, { mode: 0o644 });
  return { directory, buildFile: loneFile };
}
