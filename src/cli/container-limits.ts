import type { Resources, ThrottleDevice, WeightDevice } from '../api/types/host-config.ts';
import { parseBytes } from '../common/bytes.ts';
import { type ContainerFlags, defined, flagReader, usage } from './flag-reader.ts';

/** Limits that `run`, `create` and `update` know. Throws USAGE. */
export function limits(flags: ContainerFlags): Resources {
  const { str, num, bytes } = flagReader(flags);
  return defined<Resources>({
    Memory: bytes('memory'),
    MemoryReservation: bytes('memory-reservation'),
    MemorySwap: str('memory-swap') === '-1' ? -1 : bytes('memory-swap'),
    NanoCpus: cpus(str('cpus')),
    CpuShares: num('cpu-shares'),
    CpuPeriod: num('cpu-period'),
    CpuQuota: num('cpu-quota'),
    CpuRealtimePeriod: num('cpu-rt-period'),
    CpuRealtimeRuntime: num('cpu-rt-runtime'),
    CpusetCpus: str('cpuset-cpus'),
    CpusetMems: str('cpuset-mems'),
    PidsLimit: num('pids-limit'),
    BlkioWeight: num('blkio-weight'),
  } as Resources);
}

/** Limits that hold for a container's whole life. Throws USAGE. */
export function lastingLimits(flags: ContainerFlags): Resources {
  const { num, list } = flagReader(flags);
  return defined<Resources>({
    MemorySwappiness: num('memory-swappiness'),
    BlkioWeightDevice: some(list('blkio-weight-device').map(weight)),
    BlkioDeviceReadBps: some(list('device-read-bps').map(bytesRate)),
    BlkioDeviceWriteBps: some(list('device-write-bps').map(bytesRate)),
    BlkioDeviceReadIOps: some(list('device-read-iops').map(rate)),
    BlkioDeviceWriteIOps: some(list('device-write-iops').map(rate)),
    DeviceCgroupRules: some(list('device-cgroup-rule')),
  } as Resources);
}

function some<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined;
}

function weight(text: string): WeightDevice {
  const { path, value } = ofDevice(text);
  return { Path: path, Weight: whole(text, value) };
}

function rate(text: string): ThrottleDevice {
  const { path, value } = ofDevice(text);
  return { Path: path, Rate: whole(text, value) };
}

function bytesRate(text: string): ThrottleDevice {
  const { path, value } = ofDevice(text);
  const bytes = parseBytes(value);
  if (bytes === undefined) usage(`invalid rate for device: ${text}`, 'write e.g. /dev/sda:1mb');
  return { Path: path, Rate: bytes };
}

function ofDevice(text: string): { path: string; value: string } {
  const at = text.lastIndexOf(':');
  const path = text.slice(0, Math.max(at, 0));
  if (!path.startsWith('/dev/')) usage(`bad format: ${text}`, 'write e.g. /dev/sda:100');
  return { path, value: text.slice(at + 1) };
}

function whole(text: string, value: string): number {
  return /^\d{1,15}$/.test(value)
    ? Number(value)
    : usage(`invalid value for device: ${text}`, 'write e.g. /dev/sda:100');
}

function cpus(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d*\.?\d+$/.test(text)) usage(`--cpus "${text}" is not a number`, 'write e.g. 1.5');
  return Math.round(Number(text) * 1e9);
}
