import { statSync } from 'node:fs';
import { IechorError } from '../common/error.ts';
import { parseGitReference } from '../common/git-reference.ts';
import { checkOut, resolveCommit } from '../host/git.ts';
import { resolveInRoot } from '../host/rooted.ts';

/**
 * Puts the files of a repository, `URL#ref:directory`, into a new directory; resolves with the place of the context in
 * it. Throws NOT_SUPPORTED for what needs keys, BUILD_CONTEXT, BUILD_FAILED.
 */
export async function gitContext(
  source: string,
  directory: string,
  options: { readonly keepGitDir: boolean; readonly signal: AbortSignal },
): Promise<string> {
  const reference = parseGitReference(source);
  if (typeof reference === 'string') throw new IechorError('BUILD_CONTEXT', reference);
  const { url, ref, path = '.', commit: wanted, submodules } = reference;
  const keepGitDir = reference.keepGitDir ?? options.keepGitDir;
  if (!/^(https?|git):\/\//.test(url)) {
    throw new IechorError('NOT_SUPPORTED', `the engine cannot fetch ${url}, since it has no keys`, {
      hint: 'use https, or clone it and build the directory',
    });
  }
  const commit = await resolveCommit({ url, ref }, options);
  if (wanted !== undefined && !commit.startsWith(wanted)) {
    throw new IechorError('BUILD_CONTEXT', `the commit of ${url} is ${commit}, not ${wanted}`);
  }
  await checkOut({ url, ref, commit }, directory, { ...options, keepGitDir, submodules });
  const place = resolveInRoot(directory, path);
  if (place !== undefined && statSync(place).isDirectory()) return place;
  throw new IechorError('BUILD_CONTEXT', `${url} has no directory ${path}`);
}
