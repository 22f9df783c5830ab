import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { codeOf, IechorError } from '../common/error.ts';

/** Agents by id: the path of a socket, or of key files with commas between them. */
export type GivenAgents = Readonly<Record<string, string>>;

/** Reads `--ssh default`, `--ssh ID=SOCKET`, `--ssh ID=KEY[,KEY]`. Throws USAGE. */
export function readAgents(
  entries: readonly string[] | undefined,
  environment: NodeJS.ProcessEnv,
): GivenAgents | undefined {
  if (!entries?.length) return undefined;
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      const id = (at < 0 ? entry : entry.slice(0, at)) || 'default';
      const path = at < 0 ? environment.SSH_AUTH_SOCK : entry.slice(at + 1);
      if (path) return [id, path];
      throw new IechorError('USAGE', 'invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set', {
        hint: 'start one with "eval $(ssh-agent)", and add the key with ssh-add',
      });
    }),
  );
}

/** Sockets of the agents that were given. For key files an agent is started that holds them until we end. Throws USAGE. */
export async function agentSockets(given: GivenAgents | undefined): Promise<GivenAgents | undefined> {
  if (!given) return undefined;
  const sockets = Object.entries(given).map(async ([id, path]) => {
    const paths = path.split(',').map((one) => resolve(one));
    const [only = ''] = paths;
    const kinds = paths.map(isSocket);
    return [id, paths.length === 1 && kinds[0] ? only : await startAgent(paths)] as const;
  });
  return Object.fromEntries(await Promise.all(sockets));
}

/** Whether there is a socket; throws USAGE where there is neither socket nor key. */
function isSocket(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isSocket()) return true;
  if (stat?.isFile()) return false;
  throw new IechorError('USAGE', `${path} is neither an SSH agent's socket nor a key`, {
    hint: 'write --ssh default, --ssh ID=SOCKET or --ssh ID=KEY[,KEY]',
  });
}

/** Ends the agent, with what it made, when its input does: however we end. */
const held = 'echo ready; read -r line; kill "$SSH_AGENT_PID"; rm -f "$SSH_AUTH_SOCK"; rmdir "$1"';

async function startAgent(keys: readonly string[]): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'iechor-ssh-'));
  const socket = join(directory, 'agent');
  const command = ['-a', socket, '/bin/sh', '-c', held, 'sh', directory];
  const child = spawn('ssh-agent', command, { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await new Promise<void>((ready, failed) => {
      child.once('error', failed);
      child.once('close', () => failed(new IechorError('USAGE', 'ssh-agent does not start')));
      child.stdout.once('data', () => ready());
    });
    for (const key of keys) await addKey(key, socket);
    for (const held of [child, child.stdin as Socket, child.stdout as Socket]) held.unref();
    return socket;
  } catch (error) {
    child.stdin.end();
    if (codeOf(error) !== 'ENOENT') throw error;
    rmSync(directory, { recursive: true, force: true });
    throw new IechorError('USAGE', 'keys need ssh-agent and ssh-add, which are not here', {
      cause: error,
      hint: 'install the SSH client',
    });
  }
}

/** Nobody is asked for a passphrase. */
async function addKey(key: string, socket: string): Promise<void> {
  const env = { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: '/bin/false', SSH_ASKPASS_REQUIRE: 'force' };
  const child: ChildProcess = spawn('ssh-add', ['-q', key], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const code = new Promise<number>((resolveCode, failed) => {
    child.once('error', failed);
    child.once('close', (status) => resolveCode(status ?? 1));
  });
  const said = child.stderr ? text(child.stderr) : '';
  if ((await code) === 0) return;
  const last = (await said).trim().split('\n').at(-1) || 'it has a passphrase';
  throw new IechorError('USAGE', `the key ${key} cannot be used: ${last}`, {
    hint: 'give a key with a passphrase to your agent: ssh-add FILE, then --ssh default',
  });
}
