import { readFileSync } from 'node:fs';
import { codeOf } from '../common/error.ts';

export interface ProcessInfo {
  readonly parent: number;
  /** Ticks since boot: with the boot id, a pid's identity. */
  readonly startTicks: number;
}

/** A running process; undefined where there is none of that pid, or only its unreaped remains. */
export function processInfo(pid: number): ProcessInfo | undefined {
  const fields = statFields(pid);
  if (!fields || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { parent: Number(fields[1]), startTicks: Number(fields[19]) };
}

/** Wait status of a process that has ended and is not reaped yet; undefined otherwise. */
export function unreapedStatus(pid: number, startTicks: number): number | undefined {
  const fields = statFields(pid);
  return fields?.[0] === 'Z' && Number(fields[19]) === startTicks ? Number(fields[49]) : undefined;
}

const PF_EXITING = 0x4;

/** True while a process is on its way out: killed for certain, or exiting, though it still counts as running. */
export function isEnding(pid: number): boolean {
  if (Number(statFields(pid)?.[6] ?? 0) & PF_EXITING) return true;
  const pending = readProc(pid, 'status')?.matchAll(/^S(?:ig|hd)Pnd:\s*([0-9a-f]+)$/gm) ?? [];
  // The ninth bit is SIGKILL's, which cannot be blocked or handled.
  return [...pending].some(([, mask]) => (Number.parseInt(mask?.slice(-3) ?? '0', 16) & 0x100) !== 0);
}

/** Fields of /proc/PID/stat from the state on. */
function statFields(pid: number): string[] | undefined {
  const text = readProc(pid, 'stat');
  // The name in parentheses may hold spaces and parentheses.
  return text
    ?.slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
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
