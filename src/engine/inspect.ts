import { join } from 'node:path';
import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerInspect, ContainerState, Health } from '../api/types/container.ts';
import { profileOf } from './apparmor.ts';
import { type ContainerRecord, wireStatus } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { keepsFile } from './logging/log-config.ts';
import { bundleDir, logPath, managedFile } from './paths.ts';
import { wireConfig, wireHostConfig } from './wire-host-config.ts';
import { mountPoints, networkSettings } from './wire-network.ts';

const never = '0001-01-01T00:00:00Z';

export async function inspectContainer(
  context: EngineContext,
  request: Parameters<EngineApi['containerInspect']>[0],
): Promise<ContainerInspect> {
  const record = context.containers.get(request.id);
  const { roots } = context;
  const up = record.pid !== 0;
  const mac = record.endpoints[0]?.macAddress;
  return {
    Id: record.id,
    Created: record.createdAt,
    Path: record.path,
    Args: [...record.args],
    State: stateOf(record),
    Image: record.image,
    ResolvConfPath: managedFile(roots, record.id, 'resolv.conf'),
    HostnamePath: managedFile(roots, record.id, 'hostname'),
    HostsPath: managedFile(roots, record.id, 'hosts'),
    LogPath: keepsFile(record) ? logPath(roots, record.id) : '',
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlay',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: profileOf(record.body.HostConfig ?? {}) ?? '',
    ExecIDs: execIds(context.execs.idsOf(record.id)),
    HostConfig: wireHostConfig(context, record),
    GraphDriver: { Name: 'overlay', Data: { MergedDir: join(bundleDir(roots, record.id), 'rootfs') } },
    ...(request.size ? await sizes(context, record) : {}),
    Mounts: mountPoints(context, record),
    // As asked for its first network, where clients of today ask.
    Config: { ...wireConfig(record.config), ...(mac ? { MacAddress: mac } : {}) },
    NetworkSettings: networkSettings(context, record, up ? join(roots.execRoot, 'netns', record.id) : ''),
  };
}

export function stateOf(record: ContainerRecord): ContainerState {
  const status = wireStatus(record);
  return {
    Status: status,
    // A container between two runs counts as running, as with Docker.
    Running: status === 'running' || status === 'paused' || status === 'restarting',
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: record.oomKilled,
    Dead: status === 'dead',
    Pid: record.pid,
    ExitCode: record.exitCode,
    Error: record.error,
    StartedAt: record.startedAt || never,
    FinishedAt: record.finishedAt || never,
    ...(record.health ? { Health: healthOf(record.health) } : {}),
  };
}

function healthOf(health: NonNullable<ContainerRecord['health']>): Health {
  return { Status: health.status, FailingStreak: health.failingStreak, Log: [...health.log] };
}

export async function sizes(
  context: EngineContext,
  record: ContainerRecord,
): Promise<{ SizeRw: number; SizeRootFs: number }> {
  const written = await context.snapshotter.usage(record.id);
  return { SizeRw: written, SizeRootFs: written + (context.images.find(record.image)?.sizeBytes ?? 0) };
}

/** Docker's null for none. */
function execIds(ids: string[]): string[] | null {
  return ids.length > 0 ? ids : null;
}
