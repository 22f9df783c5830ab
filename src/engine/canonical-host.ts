import type { HostConfig } from '../api/types/host-config.ts';
import { canonicalCapabilities } from './capabilities.ts';
import type { ContainerRecord } from './container-record.ts';

/**
 * The host configuration as it is kept and told back: full names of capabilities, and the ids of containers whose
 * namespaces are shared, so that a rename does not cut them off. What names no container stays as it is.
 */
export function canonicalHost(
  host: HostConfig | undefined,
  find: (nameOrId: string) => ContainerRecord | undefined,
): HostConfig | undefined {
  if (!host) return host;
  const byId = (mode: string): string => {
    const shared = mode.startsWith('container:') ? find(mode.slice('container:'.length)) : undefined;
    return shared ? `container:${shared.id}` : mode;
  };
  return {
    ...host,
    ...(host.CapAdd && { CapAdd: canonicalCapabilities(host.CapAdd) }),
    ...(host.CapDrop && { CapDrop: canonicalCapabilities(host.CapDrop) }),
    ...(host.NetworkMode && { NetworkMode: byId(host.NetworkMode) }),
    ...(host.IpcMode && { IpcMode: byId(host.IpcMode) }),
    ...(host.PidMode && { PidMode: byId(host.PidMode) }),
  };
}
