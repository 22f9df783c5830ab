import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import type { ContainerConfig } from '../api/types/container.ts';
import type { HostConfig, Resources, RestartPolicy } from '../api/types/host-config.ts';
import { IechorError, messageOf } from '../common/error.ts';
import { schedulesRealtime } from '../host/kernel-facts.ts';
import { onlineList } from '../host/online.ts';
import { parseDialProbe } from './dial-probe.ts';

const minimumMemoryBytes = 6 * 1024 * 1024;
/** Limits that setrlimit(2) knows, without RLIMIT_. */
const ulimitNames = `as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending
  stack`.split(/\s+/);

/** Throws BAD_REQUEST for limits that contradict each other or lie out of range. */
export function checkResources(resources: Resources): void {
  const { Memory = 0, MemorySwap = 0, MemoryReservation = 0, PidsLimit } = resources;
  if (Memory !== 0 && Memory < minimumMemoryBytes) throw bad('Minimum memory limit allowed is 6MB');
  if (MemorySwap > 0 && Memory === 0)
    throw bad('You should always set the Memory limit when using Memoryswap limit, see usage');
  if (MemorySwap > 0 && MemorySwap < Memory)
    throw bad('Minimum memoryswap limit should be larger than memory limit, see usage');
  if (MemoryReservation > 0 && MemoryReservation < minimumMemoryBytes) {
    throw bad('Minimum memory reservation allowed is 6MB');
  }
  if (MemoryReservation > 0 && Memory > 0 && MemoryReservation > Memory) {
    throw bad('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  checkSwappiness(resources.MemorySwappiness);
  checkCpu(resources);
  if (PidsLimit !== undefined && PidsLimit !== null && !Number.isSafeInteger(PidsLimit)) {
    throw bad(`invalid pids limit: ${PidsLimit}`);
  }
  for (const limit of resources.Ulimits ?? []) {
    if (!ulimitNames.includes(limit.Name)) throw bad(`invalid ulimit type: ${limit.Name}`);
    if (limit.Hard !== -1 && (limit.Soft === -1 || limit.Soft > limit.Hard)) {
      throw bad(`ulimit soft limit must be less than or equal to hard limit: ${limit.Name}`);
    }
  }
  const weights = [resources.BlkioWeight ?? 0, ...(resources.BlkioWeightDevice ?? []).map(({ Weight }) => Weight)];
  if (weights.some((weight) => weight !== 0 && (weight < 10 || weight > 1000))) {
    throw bad('Range of blkio weight is from 10 to 1000');
  }
  for (const rule of resources.DeviceCgroupRules ?? []) {
    if (!/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(rule)) throw bad(`invalid device cgroup rule format: '${rule}'`);
  }
  for (const [what, list] of [
    ['cpus', resources.CpusetCpus],
    ['mems', resources.CpusetMems],
  ] as const) {
    // The kernel allocates by the highest number: a huge one is an attack, not a set of processors.
    if (list && !/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/.test(list))
      throw bad(`Invalid value ${list} for cpuset ${what}: invalid format: ${list}`);
  }
  checkOnline(resources.CpusetCpus, 'cpu');
  checkOnline(resources.CpusetMems, 'node');
}

/** -1 leaves it to the kernel. */
function checkSwappiness(value: number | null | undefined): void {
  if (value === undefined || value === null || (value >= -1 && value <= 100)) return;
  throw bad(`Invalid value: ${value}, valid memory swappiness range is 0-100`);
}

function checkCpu(resources: Resources): void {
  const { NanoCpus = 0, CpuShares = 0, CpuPeriod = 0, CpuQuota = 0 } = resources;
  const { CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0 } = resources;
  const cpus = availableParallelism();
  if (NanoCpus > 0 && CpuPeriod > 0) throw bad('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (NanoCpus > 0 && CpuQuota > 0) throw bad('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (NanoCpus < 0 || NanoCpus > cpus * 1e9) {
    throw bad(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  }
  if (CpuShares < 0) throw bad(`invalid CPU shares (${CpuShares}): value must be a positive integer`);
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1000000)) {
    throw bad('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (CpuQuota > 0 && CpuQuota < 1000) throw bad('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  if ((CpuRealtimePeriod > 0 || CpuRealtimeRuntime > 0) && !schedulesRealtime()) {
    throw bad('kernel does not support CPU real-time scheduler');
  }
  if (CpuRealtimePeriod !== 0 && CpuRealtimeRuntime > CpuRealtimePeriod) {
    throw bad('cpu real-time runtime cannot be higher than cpu real-time period');
  }
}

/** Throws BAD_REQUEST for processors or memory nodes that this machine has not. */
function checkOnline(asked: string | undefined, of: 'cpu' | 'node'): void {
  const online = asked ? onlineList(of) : undefined;
  if (!asked || online === undefined) return;
  const has = numbersOf(online);
  if ([...numbersOf(asked)].every((one) => has.has(one))) return;
  const what = of === 'cpu' ? 'CPUs' : 'memory nodes';
  throw bad(`Requested ${what} are not available - requested ${asked}, available: ${online}`);
}

/** The numbers of a list such as `0-2,4`; more than any machine has are not counted up. */
function numbersOf(list: string): Set<number> {
  const ranges = list.split(',').map((range) => range.split('-').map(Number));
  return new Set(
    ranges.flatMap(([first = 0, last = first]) =>
      Array.from({ length: Math.min(last - first + 1, 100_000) }, (_, index) => first + index),
    ),
  );
}

/** Throws BAD_REQUEST for a policy that does not exist or contradicts itself. */
export function checkRestartPolicy(policy: RestartPolicy | undefined, autoRemove: boolean): void {
  const name = policy?.Name ?? '';
  const count = policy?.MaximumRetryCount ?? 0;
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(name)) {
    throw bad(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (count < 0) throw bad('invalid restart policy: maximum retry count cannot be negative');
  if (count > 0 && name !== 'on-failure') {
    throw bad(`invalid restart policy: maximum retry count can only be used with 'on-failure'`);
  }
  if (autoRemove && name !== '' && name !== 'no') {
    throw bad("can't create 'AutoRemove' container with restart policy");
  }
}

/** Throws BAD_REQUEST for what no container can have. */
export function checkConfig(config: ContainerConfig, host: HostConfig): void {
  if (config.WorkingDir && !config.WorkingDir.startsWith('/')) {
    throw bad(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  // A working directory below /proc could be an open directory of the host (runc's CVE-2024-21626).
  if (/^\/+proc(\/|$)/.test(config.WorkingDir ?? '')) throw bad('the working directory cannot lie in /proc');
  if ((config.Hostname?.length ?? 0) > 64 || /[^A-Za-z0-9._-]/.test(config.Hostname ?? '')) {
    throw bad(`invalid hostname: ${config.Hostname}`);
  }
  const adjust = host.OomScoreAdj ?? 0;
  if (adjust < -1000 || adjust > 1000) throw bad(`Invalid value ${adjust}, range for oom score adj is [-1000, 1000]`);
  if ((host.ShmSize ?? 0) < 0) throw bad('SHM size can not be less than 0');
  if (/(^|\/)\.\.(\/|$)/.test(host.CgroupParent ?? '')) throw bad(`invalid cgroup parent: ${host.CgroupParent}`);
  checkNamespaces(host);
  for (const entry of host.ExtraHosts ?? []) checkExtraHost(entry);
  if (Object.keys(host.Annotations ?? {}).includes('')) {
    throw bad('invalid Annotations: the empty string is not permitted as an annotation key');
  }
  const texts = [config.User, config.WorkingDir, ...(config.Cmd ?? []), ...(config.Entrypoint ?? [])];
  if (texts.some((text) => text?.includes('\0'))) throw bad('arguments cannot contain NUL bytes');
  checkHealth(config);
}

function checkExtraHost(entry: string): void {
  const [, address] = /^[^:=]+[:=](.+)$/.exec(entry) ?? [];
  if (address === undefined) throw bad(`bad format for add-host: ${JSON.stringify(entry)}`);
  if (address === 'host-gateway' || isIP(address.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '')) !== 0) return;
  throw bad(`invalid IP address in add-host: ${JSON.stringify(address)}`);
}

/** Throws BAD_REQUEST for a namespace that is neither an own one, nor the host's, nor that of a container. */
function checkNamespaces(host: HostConfig): void {
  const ofContainer = (mode: string) => /^container:./.test(mode);
  const { IpcMode: ipc = '', PidMode: pid = '', UTSMode: uts = '', CgroupnsMode: cgroup = '' } = host;
  if (!['', 'none', 'private', 'host', 'shareable'].includes(ipc) && !ofContainer(ipc)) {
    throw bad(`invalid IPC mode: ${ipc}`);
  }
  if (!['', 'host', 'private'].includes(pid) && !ofContainer(pid)) throw bad(`invalid PID mode: ${pid}`);
  if (!['', 'host', 'private'].includes(uts)) throw bad(`invalid UTS mode: ${uts}`);
  if (!['', 'host', 'private'].includes(cgroup)) throw bad(`invalid cgroup namespace mode: ${cgroup}`);
}

function checkHealth(config: ContainerConfig): void {
  const kinds = config.Healthcheck?.Test ?? [];
  const [test] = kinds;
  if (test !== undefined && !['NONE', 'CMD', 'CMD-SHELL', 'TCP', 'HTTP'].includes(test)) {
    throw bad(`Unknown healthcheck type '${test}' (expected 'CMD')`);
  }
  try {
    parseDialProbe(kinds);
  } catch (error) {
    throw bad(`invalid health check: ${messageOf(error)}`);
  }
  for (const key of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = config.Healthcheck?.[key] ?? 0;
    if (value !== 0 && value < 1_000_000) throw bad(`${key} in Healthcheck cannot be less than 1ms`);
  }
  if ((config.Healthcheck?.Retries ?? 0) < 0) throw bad('Retries in Healthcheck cannot be negative');
}

function bad(message: string): IechorError {
  return new IechorError('BAD_REQUEST', message);
}
