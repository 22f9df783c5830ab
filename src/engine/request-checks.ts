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
  ['NetworkMode', (_, body, config) => checkNetworkMode(body, networkKind(body.HostConfig, config))],
  ['PidMode', (find, { HostConfig: host }) => checkMode(find, host?.PidMode)],
  ['IpcMode', (find, { HostConfig: host }) => checkMode(find, host?.IpcMode)],
];

/** Throws for what a container cannot have in a network namespace that is not its own. */
function checkNetworkMode(body: ContainerCreateBody, kind: ReturnType<typeof networkKind>): void {
  const host = body.HostConfig ?? {};
  const has = (value: object | null | undefined) => Object.keys(value ?? {}).length > 0;
  const conflict = (what: string) => new IechorError('BAD_REQUEST', `conflicting options: ${what}`);
  if (host.UTSMode === 'host' && body.Hostname) throw conflict('hostname and the UTS mode');
  if (kind !== 'container' && kind !== 'host') return;
  const links = "can't be used with links. This would result in undefined behavior";
  if (has(host.Links)) throw conflict(`${kind} type${kind === 'host' ? ' networking' : ' network'} ${links}`);
  const macs = Object.values(body.NetworkingConfig?.EndpointsConfig ?? {}).map((endpoint) => endpoint?.MacAddress);
  if (body.MacAddress || macs.some(Boolean)) throw conflict('mac-address and the network mode');
  if (kind === 'host') return;
  if (body.Hostname) throw conflict('hostname and the network mode');
  if (has(host.Dns)) throw conflict('dns and the network mode');
  if (has(host.ExtraHosts)) throw conflict('custom host-to-IP mapping and the network mode');
  if (has(host.PortBindings) || host.PublishAllPorts) {
    throw conflict('port publishing and the container type network mode');
  }
  if (has(body.ExposedPorts)) throw conflict('port exposing and the container type network mode');
}

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
