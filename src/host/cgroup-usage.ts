import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type CgroupMounts, cgroupDirs, cgroupMounts, controllerDir, isUnified, readVanishing } from './cgroup.ts';
import { readIfThere } from './files.ts';

export interface Usage {
  readonly pids: { readonly current?: number; readonly limit?: number };
  readonly cpu: {
    readonly totalNanoseconds: number;
    readonly kernelNanoseconds: number;
    readonly userNanoseconds: number;
    readonly perCpuNanoseconds?: readonly number[];
    readonly periods: number;
    readonly throttledPeriods: number;
    readonly throttledNanoseconds: number;
  };
  readonly memory: {
    readonly usageBytes?: number;
    readonly maxUsageBytes?: number;
    /** Absent where there is none. */
    readonly limitBytes?: number;
    readonly failures?: number;
    readonly stats: Readonly<Record<string, number>>;
  };
  /** Bytes by device and operation (`Read`, `Write`, ...), as Docker names them. */
  readonly io: readonly {
    readonly major: number;
    readonly minor: number;
    readonly op: string;
    readonly value: number;
  }[];
}

/** Kernel and user times of v1 and of /proc/stat are in ticks of 1/100 s on every Linux that Node runs on. */
const nanosecondsPerTick = 10_000_000;
/** Limits at or above this mean "none" in v1 (the largest multiple of a page in 63 bits). */
const noLimit = 2 ** 62;

/** What a cgroup uses now; undefined where it does not exist. Each part from where its controller is. */
export function readUsage(path: string, mounts: CgroupMounts = cgroupMounts()): Usage | undefined {
  if (cgroupDirs(path, mounts).length === 0) return undefined;
  const read = (controller: string, file: string): string | undefined => {
    const dir = controllerDir(path, controller, mounts);
    return dir === undefined ? undefined : readVanishing(join(dir, file));
  };
  const by = <T>(controller: string, v2: (read: Read) => T, v1: (read: Read) => T) =>
    (isUnified(controller, mounts) ? v2 : v1)(read);
  return {
    pids: pids(read),
    cpu: by('cpuacct', cpuV2, cpuV1),
    memory: by('memory', memoryV2, memoryV1),
    io: by('blkio', ioV2, ioV1),
  };
}

/** CPU time of the whole host since boot, and the number of its CPUs: what a share is measured against. */
export function hostCpu(): { totalNanoseconds: number; cpus: number } {
  const fields =
    /^cpu +(.*)$/m
      .exec(readIfThere('/proc/stat') ?? '')?.[1]
      ?.split(' ')
      .map(Number) ?? [];
  const ticks = fields.slice(0, 8).reduce((sum, each) => sum + each, 0);
  return { totalNanoseconds: ticks * nanosecondsPerTick, cpus: availableParallelism() };
}

type Read = (controller: string, file: string) => string | undefined;

function cpuV1(read: Read): Usage['cpu'] {
  const acct = pairs(read('cpuacct', 'cpuacct.stat'));
  const throttling = pairs(read('cpu', 'cpu.stat'));
  const perCpu = read('cpuacct', 'cpuacct.usage_percpu')?.trim().split(/\s+/).map(Number);
  return {
    totalNanoseconds: optionalNumber(read('cpuacct', 'cpuacct.usage')) ?? 0,
    kernelNanoseconds: (acct.system ?? 0) * nanosecondsPerTick,
    userNanoseconds: (acct.user ?? 0) * nanosecondsPerTick,
    ...(perCpu && { perCpuNanoseconds: perCpu }),
    periods: throttling.nr_periods ?? 0,
    throttledPeriods: throttling.nr_throttled ?? 0,
    throttledNanoseconds: throttling.throttled_time ?? 0,
  };
}

function memoryV1(read: Read): Usage['memory'] {
  const number = (file: string) => optionalNumber(read('memory', file));
  const failures = number('memory.failcnt');
  const maxUsage = number('memory.max_usage_in_bytes');
  return {
    ...memory(number('memory.usage_in_bytes'), number('memory.limit_in_bytes')),
    ...(maxUsage !== undefined && { maxUsageBytes: maxUsage }),
    ...(failures !== undefined && { failures }),
    stats: pairs(read('memory', 'memory.stat')),
  };
}

function ioV1(read: Read): Usage['io'] {
  const text = read('blkio', 'blkio.throttle.io_service_bytes_recursive') ?? '';
  return [...text.matchAll(/^(\d+):(\d+) (\w+) (\d+)$/gm)].map(([, major, minor, op, value]) => ({
    major: Number(major),
    minor: Number(minor),
    op: op ?? '',
    value: Number(value),
  }));
}

function cpuV2(read: Read): Usage['cpu'] {
  const cpu = pairs(read('cpu', 'cpu.stat'));
  return {
    totalNanoseconds: (cpu.usage_usec ?? 0) * 1000,
    kernelNanoseconds: (cpu.system_usec ?? 0) * 1000,
    userNanoseconds: (cpu.user_usec ?? 0) * 1000,
    periods: cpu.nr_periods ?? 0,
    throttledPeriods: cpu.nr_throttled ?? 0,
    throttledNanoseconds: (cpu.throttled_usec ?? 0) * 1000,
  };
}

function memoryV2(read: Read): Usage['memory'] {
  const events = pairs(read('memory', 'memory.events'));
  const maxUsage = optionalNumber(read('memory', 'memory.peak'));
  return {
    ...memory(optionalNumber(read('memory', 'memory.current')), optionalNumber(read('memory', 'memory.max'))),
    ...(maxUsage !== undefined && { maxUsageBytes: maxUsage }),
    ...(events.max !== undefined && { failures: events.max }),
    stats: pairs(read('memory', 'memory.stat')),
  };
}

function ioV2(read: Read): Usage['io'] {
  return (read('io', 'io.stat') ?? '').split('\n').flatMap((line) => {
    const [, major, minor, rest] = /^(\d+):(\d+) (.*)$/.exec(line) ?? [];
    return [...(rest ?? '').matchAll(/([rw])bytes=(\d+)/g)].map(([, way, value]) => ({
      major: Number(major),
      minor: Number(minor),
      op: way === 'r' ? 'Read' : 'Write',
      value: Number(value),
    }));
  });
}

function pids(read: Read): Usage['pids'] {
  const current = optionalNumber(read('pids', 'pids.current'));
  const limit = optionalNumber(read('pids', 'pids.max'));
  return { ...(current !== undefined && { current }), ...(limit !== undefined && { limit }) };
}

function memory(usage: number | undefined, limit: number | undefined): { usageBytes?: number; limitBytes?: number } {
  return {
    ...(usage !== undefined && { usageBytes: usage }),
    ...(limit !== undefined && limit < noLimit && { limitBytes: limit }),
  };
}

/** `max`, an empty and a missing file are no number. */
function optionalNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

function pairs(text: string | undefined): Record<string, number> {
  return Object.fromEntries(
    [...(text ?? '').matchAll(/^(\S+) (\d+)$/gm)].map(([, key, value]) => [key, Number(value)]),
  );
}
