import { join } from 'node:path';
import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerInspect, ContainerState, Health } from '../api/types/container.ts';
import type { HostConfig } from '../api/types/host-config.ts';
import { type ContainerRecord, wireStatus } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { keepsLog } from './log-limits.ts';
import { bundleDir, logPath, managedFile } from './paths.ts';
import { mountPoints, networkSettings } from './wire-network.ts';

const never = '0001-01-01T00:00:00Z';

export async function inspectContainer(
  context: EngineContext,
  request: Parameters<EngineApi['containerInspect']>[0],
): Promise<ContainerInspect> {
  const record = context.containers.get(request.id);
  const { roots } = context;
  const up = record.pid !== 0;
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
    LogPath: keepsLog(record) ? logPath(roots, record.id) : '',
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlay',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: execIds(context.execs.idsOf(record.id)),
    HostConfig: hostConfig(context, record),
    GraphDriver: { Name: 'overlay', Data: { MergedDir: join(bundleDir(roots, record.id), 'rootfs') } },
    ...(request.size ? await sizes(context, record) : {}),
    Mounts: mountPoints(context, record),
    Config: record.config,
    NetworkSettings: networkSettings(context, record, up ? join(roots.execRoot, 'netns', record.id) : ''),
  };
}

export function stateOf(record: ContainerRecord): ContainerState {
  const status = wireStatus(record.status);
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

/** The request's host configuration with what was left open filled in. */
function hostConfig(context: EngineContext, record: ContainerRecord): HostConfig {
  const host = record.body.HostConfig ?? {};
  const mode = host.NetworkMode ?? '';
  return {
    ...host,
    NetworkMode: mode === '' || mode === 'default' ? 'bridge' : mode,
    RestartPolicy: { MaximumRetryCount: 0, ...host.RestartPolicy, Name: host.RestartPolicy?.Name || 'no' },
    LogConfig: { Type: host.LogConfig?.Type || 'json-file', Config: host.LogConfig?.Config ?? {} },
    AutoRemove: host.AutoRemove ?? false,
    Privileged: host.Privileged ?? false,
    ReadonlyRootfs: host.ReadonlyRootfs ?? false,
    IpcMode: host.IpcMode || 'private',
    CgroupnsMode: host.CgroupnsMode || 'private',
    ShmSize: host.ShmSize || 64 * 1024 * 1024,
    PidsLimit: host.PidsLimit || context.settings.defaultPidsLimit,
    PortBindings: host.PortBindings ?? {},
    Binds: host.Binds ?? null,
    Links: linksOf(context, record),
    Runtime: host.Runtime || record.body.Runtime || context.runtime.name,
  };
}

/** `/db:/web/db`, as Docker tells links back. */
function linksOf(context: EngineContext, record: ContainerRecord): string[] | null {
  const links = (record.links ?? []).flatMap(({ alias, id }) => {
    const name = context.containers.find(id)?.name;
    return name === undefined ? [] : [`/${name}:/${record.name}/${alias}`];
  });
  return links.length > 0 ? links : null;
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
