import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import { checkAsked } from '../network/allocate.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { endpointRequest, isAlone, networkKind } from './create-network.ts';
import { withHostname } from './hostname.ts';
import { rewriteHosts } from './managed-files.ts';
import { publishNetwork } from './networks.ts';

/** Puts a container on a network; live where it runs, else from its next start on. */
export async function connectNetwork(
  context: EngineContext,
  request: Parameters<EngineApi['networkConnect']>[0],
): Promise<void> {
  const { id } = context.containers.get(request.body.Container);
  const network = context.networks.get(request.id);
  const endpoint = endpointRequest(network.name, request.body.EndpointConfig ?? {});
  await context.mutex.run(id, async () => {
    const record = connectable(context.containers.get(id));
    if (isAlone(network)) {
      throw new IechorError('BAD_REQUEST', network.name === 'host' ? onlyAtCreation : nowhere);
    }
    if (record.endpoints.some((each) => each.network === network.name)) {
      throw new IechorError('WRONG_STATE', `container "${record.name}" is already attached to network ${network.name}`);
    }
    checkAsked(network, endpoint);
    if (record.pid !== 0) await context.networks.connect(id, record.name, withHostname(record, endpoint));
    const connected = context.containers.update(id, {
      endpoints: [...record.endpoints, endpoint],
      boundPorts: context.networks.publishedBy(id),
    });
    if (record.pid !== 0) rewriteHosts(context, connected);
    publishNetwork(context, network, 'connect', connected);
  });
}

/** Takes a container off a network. Throws WRONG_STATE where it is not on it. */
export async function disconnectNetwork(
  context: EngineContext,
  request: Parameters<EngineApi['networkDisconnect']>[0],
): Promise<void> {
  const { id } = context.containers.get(request.body.Container);
  if (request.body.Force && (await forgetNetwork(context, id, request.id))) return;
  const network = context.networks.get(request.id);
  await context.mutex.run(id, async () => {
    const current = context.containers.get(id);
    if (networkKind(current.body.HostConfig, current.config) === 'host' && network.driver === 'host') {
      throw new IechorError('BAD_REQUEST', ofHost);
    }
    const record = connectable(current);
    if (!record.endpoints.some((each) => each.network === network.name)) {
      throw new IechorError('WRONG_STATE', `container "${record.name}" is not connected to network ${network.name}`);
    }
    if (record.pid !== 0) await context.networks.disconnect(id, network.id);
    const endpoints = record.endpoints.filter((each) => each.network !== network.name);
    const disconnected = context.containers.update(id, { endpoints, boundPorts: context.networks.publishedBy(id) });
    if (record.pid !== 0) rewriteHosts(context, disconnected);
    publishNetwork(context, network, 'disconnect', disconnected);
  });
}

/** Takes a network that is gone from a container that does not run; false where there is nothing of the kind. */
function forgetNetwork(context: EngineContext, id: string, name: string): Promise<boolean> {
  return context.mutex.run(id, async () => {
    const { endpoints, pid } = context.containers.get(id);
    const kept = endpoints.filter(({ network }) => network !== name);
    if (pid !== 0 || kept.length === endpoints.length || context.networks.find(name)) return false;
    context.containers.update(id, { endpoints: kept });
    return true;
  });
}

const ofHost = 'cannot disconnect container from host network - container was created in host network mode';
const onlyAtCreation = 'cannot connect container to host network - container must be created in host network mode';
const nowhere = 'container cannot be connected to multiple networks with one of the networks in private (none) mode';
const elsewhere =
  'container sharing network namespace with another container or host cannot be connected to any other network';

/** A container that shares another's network, or the host's, has none of its own to connect. */
function connectable(record: ContainerRecord): ContainerRecord {
  const kind = networkKind(record.body.HostConfig, record.config);
  if (kind === 'networks') return record;
  throw new IechorError('WRONG_STATE', kind === 'none' ? nowhere : elsewhere, {
    hint: 'recreate it on a network of its own',
  });
}
