import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { IechorError, isIechorError, messageOf } from '../common/error.ts';
import { removeTree } from './files.ts';
import { run } from './spawn.ts';

/** A repository by its address, and a point of it: branch, tag or commit; default: its HEAD. */
export interface GitPoint {
  readonly url: string;
  readonly ref?: string | undefined;
}

/** How git reaches a repository. */
export interface GitAccess {
  /** Socket of an agent whose keys are for ssh; without one no repository is fetched by ssh. */
  readonly sshAgent?: string | undefined;
  readonly signal: AbortSignal;
}

/** Nobody is asked, no hook runs, nothing of the daemon's own user is read, no protocol leads to local files or programs. */
const environment = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ALLOW_PROTOCOL: 'https:http:git',
};

/** The keys of the agent and none of this machine's; a server's own key is taken as it is, as BuildKit takes it. */
const ssh = [
  'ssh -F /dev/null',
  ...[
    'BatchMode=yes',
    'IdentityFile=none',
    'UserKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=no',
    'LogLevel=ERROR',
  ],
].join(' -o ');

async function git(args: readonly string[], { sshAgent, signal }: GitAccess): Promise<string> {
  const options = ['-c', 'core.hooksPath=/dev/null', '-c', 'safe.directory=*'];
  const env = {
    ...environment,
    ...(sshAgent !== undefined && {
      GIT_ALLOW_PROTOCOL: `${environment.GIT_ALLOW_PROTOCOL}:ssh`,
      GIT_SSH_COMMAND: ssh,
      SSH_AUTH_SOCK: sshAgent,
    }),
  };
  try {
    return (await run('git', [...options, ...args], { env, cwd: '/', signal })).stdout;
  } catch (error) {
    if (!isIechorError(error) || error.code === 'INTERRUPTED') throw error;
    const said = String((error.cause as { stderr?: string } | undefined)?.stderr ?? error.message);
    throw new IechorError('BUILD_FAILED', `git: ${reasonIn(said)}`, { cause: error });
  }
}

/** The last two lines of what git says, without its advice, and without passwords. */
function reasonIn(said: string): string {
  const [before = ''] = said.trim().split(/\n\s*\n/);
  const lines = before.split('\n').slice(-2);
  return lines.join('; ').replace(/\/\/[^@/\s]*@/g, '//');
}

/** The commit that a point means now. Throws BUILD_FAILED. */
export async function resolveCommit({ url, ref = 'HEAD' }: GitPoint, access: GitAccess): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(ref)) return ref;
  const names =
    ref === 'HEAD' || ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`];
  const listed = await git(['ls-remote', '--', url, ...names, ...names.map((name) => `${name}^{}`)], access);
  const found = new Map(listed.split('\n').map((line) => line.split('\t').reverse() as [string, string]));
  const commits = names.flatMap((name) => found.get(`${name}^{}`) ?? found.get(name) ?? []);
  if (commits[0] !== undefined) return commits[0];
  throw new IechorError('BUILD_FAILED', `${url} has no branch or tag ${JSON.stringify(ref)}`, {
    hint: 'After # stands a branch, a tag or a whole commit id.',
  });
}

/**
 * Puts the files of a commit into a new directory, submodules too unless said otherwise; `.git` stays where it is wanted.
 * Throws BUILD_FAILED.
 */
export async function checkOut(
  { url, ref, commit }: GitPoint & { readonly commit: string },
  directory: string,
  options: GitAccess & { readonly keepGitDir: boolean; readonly submodules?: boolean | undefined },
): Promise<void> {
  const { keepGitDir, submodules = true, signal } = options;
  mkdirSync(directory, { recursive: true });
  const inside = ['-C', directory];
  await git(['init', '--quiet', '--template=', '--initial-branch=main', directory], options);
  await git([...inside, 'remote', 'add', 'origin', url], options);
  const fetch = async (name: string) => {
    const from = (...depth: string[]) =>
      git(
        [...inside, 'fetch', '--quiet', ...depth, '--no-tags', '--no-recurse-submodules', '--', 'origin', name],
        options,
      );
    try {
      await from('--depth=1');
    } catch (error) {
      // A server of plain files hands out all or nothing.
      if (signal.aborted || !/dumb http transport/.test(messageOf(error))) throw error;
      await from();
    }
  };
  try {
    await fetch(commit);
  } catch (error) {
    // Servers may refuse to hand out commits that no name points to.
    if (signal.aborted || ref === undefined || ref === commit) throw error;
    await fetch(ref);
  }
  await git([...inside, 'checkout', '--quiet', '--force', commit, '--'], options);
  if (submodules && existsSync(join(directory, '.gitmodules'))) {
    await git([...inside, 'submodule', '--quiet', 'update', '--init', '--recursive', '--depth=1'], options);
  }
  if (!keepGitDir) removeTree(join(directory, '.git'));
}
