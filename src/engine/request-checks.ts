import type { ContainerConfig, ContainerCreateBody } from '../api/types/container.ts';
import type { HostConfig } from '../api/types/host-config.ts';
import { IechorError } from '../common/error.ts';
import { resolveCapabilities } from './capabilities.ts';
import { checkConfig, checkResources, checkRestartPolicy } from './check-limits.ts';
import type { ContainerRecord } from './container-record.ts';
import type { Containers } from './context.ts';
import { networkKind } from './create-network.ts';
import { logLimits } from './logging/log-config.ts';
import { parseSecurityOptions } from './security-options.ts';
import { parseStopSignal } from './signals.ts';
import { checkSysctls } from './sysctls.ts';

type RequestCheck = (find: Containers['find'], body: ContainerCreateBody, config: ContainerConfig) => void;

/** What can be refused by the request of a container alone, and the part of it that is looked at. */
export const requestChecks: readonly (readonly [about: string, check: RequestCheck])[] = [
  ['Config', (_, { HostConfig: host = {} }, config) => checkConfig(config, host)],
  ['Resources', (_, { HostConfig: host = {} }) => checkResources(host)],
  ['RestartPolicy', (_, { HostConfig: host }) => checkRestartPolicy(host?.RestartPolicy, host?.AutoRemove ?? false)],
  ['SecurityOpt', (_, { HostConfig: host }) => parseSecurityOptions(host?.SecurityOpt ?? [])],
  ['StopSignal', (_, __, { StopSignal }) => parseStopSignal(StopSignal ?? 'SIGTERM')],
  ['LogConfig', (_, { HostConfig: host = {} }) => logLimits(host)],
  ['Sysctls', (_, { HostConfig: host = {} }, config) => checkOwnSysctls(host, config)],
  [
    'CapAdd',
    (_, { HostConfig: host }) =>
      resolveCapabilities({ add: host?.CapAdd ?? [], drop: host?.CapDrop ?? [], privileged: false, bounding: [] }),
  ],
  ['PidMode', (find, { HostConfig: host }) => checkMode(find, host?.PidMode)],
  ['IpcMode', (find, { HostConfig: host }) => checkMode(find, host?.IpcMode)],
];

function checkOwnSysctls(host: HostConfig, config: ContainerConfig): void {
  const kind = networkKind(host, config);
  checkSysctls(host.Sysctls ?? {}, {
    network: kind === 'host' || kind === 'container',
    ipc: host.IpcMode === 'host' || (host.IpcMode ?? '').startsWith('container:'),
  });
}

/** Throws where a mode names the namespace of a container that is not there. */
export function checkMode(find: Containers['find'], mode: string | undefined): void {
  if (mode?.startsWith('container:')) needed(find, mode.slice('container:'.length));
}

/** A container that a new one needs. That there is none is a mistake of the request, and no missing object of it. */
export function needed(find: Containers['find'], name: string): ContainerRecord {
  const found = find(name);
  if (found) return found;
  throw new IechorError('BAD_REQUEST', `No such container: ${name}`);
}
