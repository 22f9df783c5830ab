import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { codeOf, IechorError } from '../common/error.ts';
import { nodeFlags } from '../common/node-flags.ts';
import { inNetns } from './netns.ts';

/** Value of a kernel setting such as `net/ipv4/ip_forward`, or undefined where the kernel has none. */
export function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Sets a kernel setting in a network namespace (none: the own one) unless it has the value already. A setting the
 * kernel does not have (IPv6 switched off, say) is passed over. Throws HOST_SYSCALL_FAILED. True where it was changed.
 */
export function writeSysctl(name: string, value: string, netns?: string): boolean {
  return inNetns(netns, () => {
    const before = readSysctl(name);
    if (before === undefined || before === value) return false;
    try {
      writeFileSync(`/proc/sys/${name}`, value);
      return true;
    } catch (cause) {
      throw new IechorError('HOST_SYSCALL_FAILED', `${name.replaceAll('/', '.')} cannot be set to ${value}`, {
        hint: 'mount /proc/sys writable for the daemon',
        cause,
      });
    }
  });
}

/**
 * Starts one of our programs by Node, in a session of its own, so that it outlives this process. Its output goes to a
 * file. Returns its pid.
 */
export function startDetached(entry: URL, args: readonly string[], logFile: string): number {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const flags = [...nodeFlags, '--max-semi-space-size=1'];
    const child = spawn(process.execPath, [...flags, fileURLToPath(entry), ...args], {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: '/',
      env: { PATH: process.env.PATH },
    });
    child.on('error', () => {});
    child.unref();
    if (child.pid === undefined) {
      throw new IechorError('HOST_COMMAND_FAILED', `${process.execPath} could not be started`);
    }
    return child.pid;
  } finally {
    closeSync(log);
  }
}

/** The arguments a process was started with; none when it is gone. */
export function commandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
