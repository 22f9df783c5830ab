import { readFileSync } from 'node:fs';
import { codeOf } from '../common/error.ts';

export interface ProcessInfo {
  readonly parent: number;
  /** Ticks since boot: with the boot id, a pid's identity. */
  readonly startTicks: number;
}

/** A running process; undefined where there is none of that pid, or only its unreaped remains. */
export function processInfo(pid: number): ProcessInfo | undefined {
  const text = readProc(pid, 'stat');
  // The name in parentheses may hold spaces and parentheses.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (!fields || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { parent: Number(fields[1]), startTicks: Number(fields[19]) };
}

/** Arguments of a running process; none where it has ended. */
export function processArguments(pid: number): string[] {
  return readProc(pid, 'cmdline')?.split('\0').slice(0, -1) ?? [];
}

/** Random id of the running kernel's boot: what was remembered under another one is void. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function readProc(pid: number, file: string): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
