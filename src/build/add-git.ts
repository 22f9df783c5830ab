import { join } from 'node:path';
import { parseGitReference } from '../common/git-reference.ts';
import { checkOut, type GitAccess, resolveCommit } from '../host/git.ts';
import type { StepContext } from './build-context.ts';
import type { Download } from './download.ts';
import { planCopy } from './files/plan-copy.ts';
import { ownedByRoot, plainView } from './files/source-view.ts';
import { syntaxError } from './language/syntax-error.ts';
import type { InstructionOf } from './language/types.ts';
import { expandIn } from './metadata.ts';
import { agentSocket } from './run-mount-ssh.ts';

/** `URL#ref:directory`, the files of a repository, fetched when the step is not in the cache; the commit is its key. */
export async function gitSource(
  source: string,
  instruction: InstructionOf<'ADD'>,
  context: StepContext,
): Promise<Download> {
  const refuse = (message: string, hint?: string): never => {
    throw syntaxError(message, { ...instruction, code: 'BUILD_FAILED', hint });
  };
  const reference = parseGitReference(source);
  if (typeof reference === 'string') return refuse(reference);
  const { url, ref, path = '', submodules } = reference;
  const point = { url, ref };
  const { signal, scratch } = context.build;
  const withAccess = async <T>(task: (access: GitAccess) => Promise<T>): Promise<T> => {
    const agent = isPublic(url) ? undefined : await agentSocket('default', context);
    if (!agent && !isPublic(url)) refuse(`fetching ${url} needs an SSH agent`, 'Build with --ssh default.');
    try {
      return await task({ signal, sshAgent: agent?.path });
    } finally {
      agent?.release();
    }
  };
  const commit = await withAccess((access) => resolveCommit(point, access));
  context.build.materials.set(url, { uri: ref ? `${url}#${ref}` : url, digest: commit });
  const { keepGitDir = reference.keepGitDir ?? false } = instruction;
  const checksum = expandIn(context, instruction.checksum ?? '') || reference.commit;
  if (checksum !== undefined && !(/^[0-9a-f]{7,40}$/.test(checksum) && commit.startsWith(checksum))) {
    refuse(`the commit of ${source} is ${commit}, not ${checksum}`);
  }
  const open = async () => {
    const root = join(scratch.newDir('large'), 'checkout');
    await withAccess((access) => checkOut({ ...point, commit }, root, { ...access, keepGitDir, submodules }));
    return planCopy(ownedByRoot(plainView(root)), `/${path}`, { exclude: instruction.exclude, parents: false });
  };
  return {
    digest: JSON.stringify([commit, `/${path}`, keepGitDir, ...(submodules === false ? ['no submodules'] : [])]),
    open,
  };
}

const isPublic = (url: string): boolean => /^(https?|git):\/\//.test(url);
