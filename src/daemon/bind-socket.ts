import { chownSync, lstatSync, readFileSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { codeOf, IechorError, messageOf } from '../common/error.ts';

/** Members of this group may use the engine without being root, where no other one is named. */
const usualGroup = 'iechor';

/**
 * Binds a UNIX socket of mode 0660. A dead one in the way is replaced; a live one, or any other file, is not. Throws
 * DAEMON_CONFIG and DAEMON_RUNNING.
 */
export async function bindSocket(server: Server, path: string, group?: string): Promise<void> {
  const gid = groupId(group ?? usualGroup);
  if (group !== undefined && gid === undefined) {
    throw new IechorError('DAEMON_CONFIG', `there is no group "${group}"`, {
      hint: `make it first: groupadd ${group}`,
    });
  }
  await clearTheWay(path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(path, error)));
    // The mode has to be right from the start: whoever connects to this socket is root on this machine.
    const before = process.umask(0o117);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(before);
    }
  });
  if (gid !== undefined) chownSync(path, 0, gid);
}

function cannotListen(path: string, cause: unknown): IechorError {
  return new IechorError('DAEMON_CONFIG', `cannot listen on ${path}: ${messageOf(cause)}`, {
    hint: 'give another address with --host unix:///path (at most 107 bytes long)',
    cause,
  });
}

async function clearTheWay(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (!there) return;
  if (!there.isSocket()) throw cannotListen(path, new Error('the file is there and is no socket'));
  if (await answers(path)) {
    throw new IechorError('DAEMON_RUNNING', `another engine answers at ${path} already`, {
      hint: 'stop that one, or give this one another --host',
    });
  }
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function groupId(name: string): number | undefined {
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(':')[2]);
}
