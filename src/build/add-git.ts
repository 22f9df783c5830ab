import { join } from 'node:path';
import { checkOut, resolveCommit } from '../host/git.ts';
import type { StepContext } from './build-context.ts';
import type { Download } from './download.ts';
import { planCopy } from './files/plan-copy.ts';
import { ownedByRoot, plainView } from './files/source-view.ts';
import { syntaxError } from './language/syntax-error.ts';
import type { InstructionOf } from './language/types.ts';

/** `URL#ref:directory`, the files of a repository, fetched when the step is not in the cache; the commit is its key. */
export async function gitSource(
  source: string,
  instruction: InstructionOf<'ADD'>,
  context: StepContext,
): Promise<Download> {
  const refuse = (message: string, hint?: string): never => {
    throw syntaxError(message, { ...instruction, code: 'BUILD_FAILED', hint });
  };
  const { url, ref, path } = readReference(source) ?? refuse(`${JSON.stringify(source)} is no git repository to add`);
  if (!/^(https?|git):\/\//.test(url)) {
    refuse(`ADD cannot fetch ${url} yet`, 'Use https, or clone it in a RUN step with --mount=type=ssh.');
  }
  const { signal, scratch } = context.build;
  const commit = await resolveCommit({ url, ref }, signal);
  const { checksum, keepGitDir = false } = instruction;
  if (checksum !== undefined && !(/^[0-9a-f]{7,40}$/.test(checksum) && commit.startsWith(checksum))) {
    refuse(`the commit of ${source} is ${commit}, not ${checksum}`);
  }
  const open = async () => {
    const root = join(scratch.newDir('large'), 'checkout');
    await checkOut({ url, ref, commit }, root, { keepGitDir, signal });
    return planCopy(ownedByRoot(plainView(root)), path, { exclude: instruction.exclude, parents: false });
  };
  return { digest: JSON.stringify([commit, path, keepGitDir]), open };
}

/** What git could take for an option, or for a place outside the repository, is no reference. */
export function readReference(source: string): { url: string; ref: string | undefined; path: string } | undefined {
  const [, url = '', ref, path = ''] = /^([^#]+)(?:#([^:]*)(?::(.*))?)?$/.exec(source) ?? [];
  const isPlain = /^[A-Za-z0-9_][^\s\0]*$/.test(url) && /^([A-Za-z0-9_][A-Za-z0-9_./+@-]*)?$/.test(ref ?? '');
  if (!isPlain || (ref ?? '').includes('..') || path.split('/').some((part) => part === '..' || part === '.git')) {
    return undefined;
  }
  return { url, ref: ref || undefined, path: `/${path}` };
}
