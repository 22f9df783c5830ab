import { statSync } from 'node:fs';
import { IechorError } from '../common/error.ts';
import { checkOut, resolveCommit } from '../host/git.ts';
import { resolveInRoot } from '../host/rooted.ts';
import { readReference } from './add-git.ts';

/**
 * Puts the files of a repository, `URL#ref:directory`, into a new directory; resolves with the place of the context in
 * it. Throws NOT_SUPPORTED for what needs keys, BUILD_CONTEXT, BUILD_FAILED.
 */
export async function gitContext(
  source: string,
  directory: string,
  options: { readonly keepGitDir: boolean; readonly signal: AbortSignal },
): Promise<string> {
  const reference = readReference(source.startsWith('github.com/') ? `https://${source}` : source);
  if (!reference) throw new IechorError('BUILD_CONTEXT', `${JSON.stringify(source)} is no git repository`);
  const { url, ref, path } = reference;
  if (!/^(https?|git):\/\//.test(url)) {
    throw new IechorError('NOT_SUPPORTED', `the engine cannot fetch ${url}, since it has no keys`, {
      hint: 'use https, or clone it and build the directory',
    });
  }
  const commit = await resolveCommit({ url, ref }, options.signal);
  await checkOut({ url, ref, commit }, directory, options);
  const place = resolveInRoot(directory, path);
  if (place !== undefined && statSync(place).isDirectory()) return place;
  throw new IechorError('BUILD_CONTEXT', `${url} has no directory ${path}`);
}

/** Whether an address is a repository's, by the forms that clients take for one. */
export const isRepository = (url: string): boolean => /^(git:|git@|ssh:|github\.com\/)|\.git(#.*)?$/.test(url);
