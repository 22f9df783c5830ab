import { readFileSync, statSync } from 'node:fs';
import { codeOf } from '../common/error.ts';

/** A process as `ps` shows it. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly cpuSeconds: number;
  /** `pts/0`, or `?`. */
  readonly terminal: string;
  /** One letter, as in /proc/<pid>/stat. */
  readonly state: string;
  readonly threads: number;
  readonly residentBytes: number;
  readonly virtualBytes: number;
  readonly command: string;
  /** The kernel's short name. */
  readonly name: string;
}

/** Kernel clocks in /proc are in ticks of 1/100 s on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Rows of those of the processes that still run. */
export function processRows(pids: readonly number[]): ProcessRow[] {
  const bootedAt = bootTime();
  return pids.flatMap((pid) => processRow(pid, bootedAt) ?? []);
}

function processRow(pid: number, bootedAt: number): ProcessRow | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    const name = stat.slice(stat.indexOf('(') + 1, end);
    const fields = stat.slice(end + 2).split(' ');
    const field = (number: number) => Number(fields[number - 3]);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '').replaceAll('\0', ' ');
    return {
      pid,
      parent: field(4),
      uid: statSync(`/proc/${pid}`).uid,
      startedAt: bootedAt + (field(22) * 1000) / ticksPerSecond,
      cpuSeconds: (field(14) + field(15)) / ticksPerSecond,
      terminal: terminalName(field(7)),
      state: fields[0] ?? '?',
      threads: field(20),
      virtualBytes: field(23),
      residentBytes: residentBytes(pid),
      command: command || `[${name}]`,
      name,
    };
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

/** In bytes already, where /proc/<pid>/stat counts pages of whatever size. Kernel threads have none. */
function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

/** Majors 136 to 143 are pseudo-terminals, 4 consoles. */
function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  return major === 4 ? `tty${minor}` : '?';
}

function bootTime(): number {
  return Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]) * 1000;
}

/** Names of the host's users by id. */
export function hostUserNames(): ReadonlyMap<number, string> {
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  return new Map(entries.flatMap(([name, , uid]) => (name && uid ? [[Number(uid), name] as const] : [])));
}

/** Bytes of memory of this machine. */
export function hostMemoryBytes(): number {
  return Number(/^MemTotal:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
}

/** Counters of one network interface. */
export interface InterfaceUsage {
  readonly name: string;
  readonly received: readonly [bytes: number, packets: number, errors: number, dropped: number];
  readonly sent: readonly [bytes: number, packets: number, errors: number, dropped: number];
}

/** The network interfaces that a process has, without the loopback; none when it has ended. */
export function networkUsage(pid: number): InterfaceUsage[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/dev`, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH' || codeOf(error) === 'EINVAL') return [];
    throw error;
  }
  return [...text.matchAll(/^\s*([^:\s]+):\s*(.*)$/gm)].flatMap(([, name = '', counters = '']) => {
    const [rb = 0, rp = 0, re = 0, rd = 0, , , , , tb = 0, tp = 0, te = 0, td = 0] = counters.split(/\s+/).map(Number);
    return name === 'lo' ? [] : [{ name, received: [rb, rp, re, rd], sent: [tb, tp, te, td] } as const];
  });
}
