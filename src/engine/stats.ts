import { setTimeout } from 'node:timers/promises';
import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerStats, CpuStats, NetworkStats } from '../api/types/stats.ts';
import { hostCpu, readUsage, type Usage } from '../host/cgroup-usage.ts';
import { hostMemoryBytes, networkUsage } from '../host/process-table.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { cgroupPath } from './paths.ts';

const intervalMilliseconds = 1000;
const never = '0001-01-01T00:00:00Z';

/**
 * What a container uses: a sample per second, each with the one before, until the container is removed; without
 * `stream` one of them, which with `oneShot` has none before it. While it does not run its samples are empty.
 */
export async function* containerStats(
  context: EngineContext,
  { id, stream = true, oneShot = false, signal }: Parameters<EngineApi['containerStats']>[0],
): AsyncGenerator<ContainerStats> {
  const { id: full } = context.containers.get(id);
  let before = sample(context, full);
  if (before && (stream || oneShot || !before.usage)) yield toStats(before, undefined);
  if (!stream && (oneShot || !before?.usage)) return;
  while (before && !signal?.aborted) {
    await setTimeout(intervalMilliseconds, undefined, signal && { signal }).catch(() => {});
    if (signal?.aborted) return;
    const now = sample(context, full);
    if (now) yield toStats(now, before);
    if (!stream) return;
    before = now;
  }
}

interface Sample {
  readonly record: ContainerRecord;
  readonly at: string;
  readonly host: ReturnType<typeof hostCpu>;
  /** Absent where it does not run. */
  readonly usage?: Usage | undefined;
  readonly networks: ReturnType<typeof networkUsage>;
}

/** Undefined when the container is gone. */
function sample(context: EngineContext, id: string): Sample | undefined {
  const record = context.containers.find(id);
  if (!record) return undefined;
  const runs = record.status === 'running' || record.status === 'paused';
  return {
    record,
    at: new Date().toISOString(),
    host: hostCpu(),
    usage: runs ? readUsage(cgroupPath(context.roots, id, record.body.HostConfig?.CgroupParent)) : undefined,
    networks: runs && record.body.HostConfig?.NetworkMode !== 'host' ? networkUsage(record.pid) : [],
  };
}

function toStats(now: Sample, before: Sample | undefined): ContainerStats {
  const { record, usage, networks } = now;
  return {
    id: record.id,
    name: `/${record.name}`,
    read: usage ? now.at : never,
    preread: before?.usage ? before.at : never,
    pids_stats: usage ? { ...usage.pids } : {},
    num_procs: 0,
    cpu_stats: cpuStats(now),
    precpu_stats: cpuStats(before),
    memory_stats: usage ? memoryStats(usage) : {},
    blkio_stats: { io_service_bytes_recursive: usage ? [...usage.io] : null },
    ...(networks.length > 0 && { networks: Object.fromEntries(networks.map((one) => [one.name, networkStats(one)])) }),
  };
}

function cpuStats(of: Sample | undefined): CpuStats {
  const cpu = of?.usage?.cpu;
  return {
    cpu_usage: {
      total_usage: cpu?.totalNanoseconds ?? 0,
      usage_in_kernelmode: cpu?.kernelNanoseconds ?? 0,
      usage_in_usermode: cpu?.userNanoseconds ?? 0,
      ...(cpu?.perCpuNanoseconds && { percpu_usage: [...cpu.perCpuNanoseconds] }),
    },
    ...(cpu && of && { system_cpu_usage: of.host.totalNanoseconds, online_cpus: of.host.cpus }),
    throttling_data: {
      periods: cpu?.periods ?? 0,
      throttled_periods: cpu?.throttledPeriods ?? 0,
      throttled_time: cpu?.throttledNanoseconds ?? 0,
    },
  };
}

function memoryStats({ memory }: Usage): ContainerStats['memory_stats'] {
  return {
    ...(memory.usageBytes !== undefined && { usage: memory.usageBytes }),
    ...(memory.maxUsageBytes !== undefined && { max_usage: memory.maxUsageBytes }),
    ...(memory.failures !== undefined && { failcnt: memory.failures }),
    // Without a limit of its own a container may take all there is.
    limit: memory.limitBytes ?? hostMemoryBytes(),
    stats: { ...memory.stats },
  };
}

function networkStats({ received, sent }: ReturnType<typeof networkUsage>[number]): NetworkStats {
  const [rx_bytes, rx_packets, rx_errors, rx_dropped] = received;
  const [tx_bytes, tx_packets, tx_errors, tx_dropped] = sent;
  return { rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped };
}
