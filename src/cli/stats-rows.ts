import type { ContainerStats } from '../api/types/stats.ts';
import { binaryBytes, formatBytes } from '../common/bytes.ts';
import { shortId } from '../common/id.ts';
import type { Column, Row } from './render/format.ts';

export const statsColumns: readonly Column[] = [
  { title: 'CONTAINER ID', field: 'ID' },
  { title: 'NAME', field: 'Name' },
  { title: 'CPU %', field: 'CPUPerc' },
  { title: 'MEM USAGE / LIMIT', field: 'MemUsage' },
  { title: 'MEM %', field: 'MemPerc' },
  { title: 'NET I/O', field: 'NetIO' },
  { title: 'BLOCK I/O', field: 'BlockIO' },
  { title: 'PIDS', field: 'PIDs' },
];

/** A sample as `stats --format` sees it: Docker's field names, and its way to count. */
export function statsRow(sample: ContainerStats, options: { truncate: boolean }): Row {
  const { memory_stats: memory, networks } = sample;
  const used = usedMemory(memory);
  const limit = memory.limit ?? 0;
  const cards = Object.values(networks ?? {});
  const name = sample.name.replace(/^\//, '');
  return {
    Container: name,
    ID: options.truncate ? shortId(sample.id) : sample.id,
    Name: name,
    CPUPerc: percent(cpuShare(sample)),
    MemUsage: `${binaryBytes(used)} / ${binaryBytes(limit)}`,
    MemPerc: percent(limit > 0 ? used / limit : 0),
    NetIO: `${formatBytes(sum(cards.map((card) => card.rx_bytes)))} / ${formatBytes(sum(cards.map((card) => card.tx_bytes)))}`,
    BlockIO: `${formatBytes(blockBytes(sample, 'read'))} / ${formatBytes(blockBytes(sample, 'write'))}`,
    PIDs: String(sample.pids_stats.current ?? 0),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;

/** Of all processors, as a share of one: two busy ones are 200%. */
function cpuShare({ cpu_stats: now, precpu_stats: before }: ContainerStats): number {
  const own = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const all = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const cpus = now.online_cpus || now.cpu_usage.percpu_usage?.length || 1;
  return own > 0 && all > 0 ? (own / all) * cpus : 0;
}

/** Without the files that were read and can be dropped: `total_inactive_file` of cgroup v1, `inactive_file` of v2. */
function usedMemory({ usage = 0, stats }: ContainerStats['memory_stats']): number {
  const idle = stats?.total_inactive_file ?? stats?.inactive_file ?? 0;
  return idle < usage ? usage - idle : usage;
}

function blockBytes({ blkio_stats }: ContainerStats, operation: string): number {
  const entries = blkio_stats.io_service_bytes_recursive ?? [];
  return sum(entries.filter(({ op }) => op.toLowerCase() === operation).map(({ value }) => value));
}
