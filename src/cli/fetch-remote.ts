import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { codeOf, messageOf } from '../common/error.ts';
import type { GitReference } from '../common/git-reference.ts';
import type { FetchRemote } from '../compose/source/git-reference.ts';

type Answer = Awaited<ReturnType<FetchRemote>>;
/** Socket of the agent whose keys count, as `--ssh` gave it, beside what the user has set up for ssh. */
interface Access {
  readonly sshAgent?: string | undefined;
}

/**
 * Fetches repositories of Compose projects and build contexts by the host's git into the cache
 * (XDG_CACHE_HOME/iechor/remote), a directory for each commit; what is there already is not fetched again. Nothing of git's
 * own (`.git`, with addresses and perhaps credentials) is left in it and no submodule is followed, unless the reference
 * says so; no hook runs, and nobody is asked for a password.
 */
export async function fetchRemote(reference: GitReference, access: Access = {}): Promise<Answer> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'iechor', 'remote');
  const point = await findPoint(reference, access);
  if ('problem' in point) return point;
  if (reference.commit !== undefined && !point.commit.startsWith(reference.commit)) {
    return { problem: `the commit of ${withoutPassword(reference.url)} is ${point.commit}, not ${reference.commit}` };
  }
  const variant = `${reference.submodules ? '-submodules' : ''}${reference.keepGitDir ? '-git' : ''}`;
  const directory = (commit: string) =>
    join(cache, `${createHash('sha256').update(reference.url).digest('hex').slice(0, 16)}-${commit}${variant}`);
  if (existsSync(directory(point.commit))) return { directory: directory(point.commit) };
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const scratch = mkdtempSync(join(cache, '.new-'));
  try {
    const fetched = await fetchInto(scratch, { ...reference, name: point.name }, access);
    if ('problem' in fetched) return fetched;
    const target = directory(fetched.commit);
    try {
      renameSync(join(scratch, 'tree'), target);
    } catch (error) {
      // Another command was quicker: its files are the same.
      if (!['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) throw error;
    }
    return { directory: target };
  } catch (error) {
    return {
      problem: withoutPassword(`cannot keep ${reference.url}: ${messageOf(error)}`),
      hint: `is ${cache} writable?`,
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

type Problem = Extract<Answer, { problem: string }>;

/** The commit that a reference means now, and the name to fetch it by. */
async function findPoint(
  { url, ref = 'HEAD' }: GitReference,
  access: Access,
): Promise<{ name: string; commit: string } | Problem> {
  if (/^[0-9a-f]{40}$/.test(ref)) return { name: ref, commit: ref };
  const names = ref === 'HEAD' ? ['HEAD'] : [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`, ref];
  const { status, out, problem } = await git(
    ['ls-remote', '--', url, ...names, ...names.map((name) => `${name}^{}`)],
    access,
  );
  if (status !== 0) return refused(url, problem);
  const found = new Map(out.split('\n').map((line) => line.split('\t').reverse() as [string, string]));
  const name = names.find((one) => found.has(one));
  const commit = found.get(`${name}^{}`) ?? found.get(name ?? '');
  if (name !== undefined && commit !== undefined) return { name, commit };
  return {
    problem: `${url} has no branch or tag "${ref}"`,
    hint: 'after # stands a branch, a tag or a whole commit id',
  };
}

async function fetchInto(
  scratch: string,
  { url, submodules, keepGitDir, name }: GitReference & { readonly name: string },
  access: Access,
): Promise<{ commit: string } | Problem> {
  const tree = join(scratch, 'tree');
  const inTree = ['-C', tree];
  const steps = [
    ['init', '--quiet', '--template=', tree],
    [...inTree, 'remote', 'add', 'origin', url],
    [...inTree, 'fetch', '--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules', '--', 'origin', name],
    [...inTree, 'checkout', '--quiet', '--force', 'FETCH_HEAD', '--'],
    ...(submodules ? [[...inTree, 'submodule', '--quiet', 'update', '--init', '--recursive', '--depth=1']] : []),
  ];
  for (const step of steps) {
    const { status, problem } = await git(step, access);
    if (status !== 0) return refused(url, problem);
  }
  const { status, out, problem } = await git([...inTree, 'rev-parse', '--verify', 'HEAD'], access);
  if (!keepGitDir) rmSync(join(tree, '.git'), { recursive: true, force: true });
  return status === 0 ? { commit: out.trim() } : refused(url, problem);
}

const refused = (url: string, problem: string): Problem => ({
  problem: withoutPassword(`git cannot fetch ${url}: ${problem}`),
  hint: problem.includes('ENOENT') ? 'install git' : 'is the address right, and may you read it?',
});

const withoutPassword = (text: string): string => text.replace(/\/\/[^@/\s]*@/g, '//');

/** Runs git without hooks, prompts or other protocols than those a reference may name. */
function git(args: readonly string[], { sshAgent }: Access): Promise<{ status: number; out: string; problem: string }> {
  return new Promise((resolve) => {
    const env = {
      ...process.env,
      GIT_TERMINAL_PROMPT: '0',
      GIT_ALLOW_PROTOCOL: 'https:http:ssh:git',
      GIT_DIR: undefined,
      GIT_WORK_TREE: undefined,
      GIT_INDEX_FILE: undefined,
      LC_ALL: 'C',
      // A server that is not known yet is taken for what it is: nobody can be asked.
      ...(sshAgent !== undefined && {
        GIT_SSH_COMMAND: process.env.GIT_SSH_COMMAND ?? 'ssh -o StrictHostKeyChecking=accept-new',
      }),
      ...(sshAgent !== undefined && { SSH_AUTH_SOCK: sshAgent }),
    };
    const child = spawn('git', ['-c', 'core.hooksPath=/dev/null', ...args], {
      env,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      err += String(chunk);
    });
    child.on('error', (error) => resolve({ status: -1, out, problem: messageOf(error) }));
    child.on('close', (status) => resolve({ status: status ?? -1, out, problem: reasonIn(err) }));
  });
}

/** The last two lines of what git says, without its advice. */
function reasonIn(said: string): string {
  const [before = ''] = said.trim().split(/\n\s*\n/);
  return before.split('\n').slice(-2).join('; ');
}
