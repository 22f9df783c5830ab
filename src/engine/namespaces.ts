import { existsSync } from 'node:fs';
import { hostname as hostName } from 'node:os';
import { IechorError } from '../common/error.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { networkKind } from './create-network.ts';
import { networkOwner } from './managed-files.ts';
import type { NamespaceChoice, SpecInput } from './oci-spec.ts';
import { processOf } from './process-of.ts';
import { sharedMemory } from './shared-memory.ts';

/** Which namespaces a container starts in, and the host name it sees. Throws WRONG_STATE where another must run and does not. */
export function resolveNamespaces(
  context: EngineContext,
  record: ContainerRecord,
  netns: string | undefined,
): Pick<SpecInput, 'namespaces' | 'hostname' | 'sharedMemory' | 'hostQueue'> {
  const host = record.body.HostConfig ?? {};
  const kind = networkKind(host, record.config);
  const ipcOwner = host.IpcMode?.startsWith('container:') ? running(context, host.IpcMode, 'IPC') : undefined;
  const network = networkChoice(context, record, netns);
  const shared = sharedMemory(context, record, ipcOwner);
  return {
    namespaces: {
      network,
      pid: choice(context, host.PidMode, 'pid'),
      ipc: choice(context, host.IpcMode, 'ipc'),
      uts: host.UTSMode === 'host' ? 'host' : 'own',
    },
    hostname: hostnameOf(context, record, kind),
    ...(shared === undefined ? {} : { sharedMemory: shared }),
    ...(host.IpcMode === 'host' ? { hostQueue: existsSync('/dev/mqueue') } : {}),
  };
}

function hostnameOf(context: EngineContext, record: ContainerRecord, kind: string): string {
  const asked = record.body.Hostname;
  if (asked) return record.hostname;
  if (kind === 'container') return networkOwner(context, record).hostname;
  return kind === 'host' || record.body.HostConfig?.UTSMode === 'host' ? hostName() : record.hostname;
}

function networkChoice(context: EngineContext, record: ContainerRecord, netns: string | undefined): NamespaceChoice {
  const kind = networkKind(record.body.HostConfig, record.config);
  if (kind === 'networks' && netns !== undefined) return netns === '' ? 'own' : { path: netns };
  if (kind === 'host') return 'host';
  if (kind !== 'container') return 'own';
  const owner = networkOwner(context, record);
  if (owner.id === record.id) throw new IechorError('BAD_REQUEST', 'cannot join own network namespace');
  return networkOf(context, record.body.HostConfig?.NetworkMode ?? '').namespace;
}

/** The network of `container:<name>`, and whose it is. Throws WRONG_STATE where that one does not run. */
export function networkOf(
  context: EngineContext,
  mode: string,
): { owner: ContainerRecord; namespace: { path: string } } {
  const owner = running(context, mode, 'network');
  return { owner, namespace: { path: `/proc/${owner.pid}/ns/net` } };
}

function choice(context: EngineContext, mode: string | undefined, type: 'pid' | 'ipc'): NamespaceChoice {
  if (mode === 'host') return 'host';
  if (!mode?.startsWith('container:')) return 'own';
  return { path: `/proc/${running(context, mode, type === 'pid' ? 'PID' : 'IPC').pid}/ns/${type}` };
}

/** The container of `container:<name>`, which must run. Throws in Docker's words, and with its status. */
function running(context: EngineContext, mode: string, namespace: 'IPC' | 'PID' | 'network'): ContainerRecord {
  const record = context.containers.get(mode.slice('container:'.length));
  const pid = processOf(context, record);
  if (pid !== undefined) return { ...record, pid };
  const { name, id, status } = record;
  const hint = `start it first: iechor start ${name}`;
  if (namespace === 'network') {
    const message = `cannot join network namespace of a non running container: container ${name} is ${status}`;
    throw new IechorError('WRONG_STATE', message, { hint });
  }
  const message = `failed to join ${namespace} namespace: container ${id} is not running`;
  throw new IechorError('CONTAINER_START_FAILED', message, { hint });
}
