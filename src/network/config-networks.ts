import { IechorError } from '../common/error.ts';
import { newId } from '../common/id.ts';
import { findNetwork } from './network-context.ts';
import type { Records } from './records.ts';
import type { NetworkRecord, Networks } from './types.ts';

/** Networks that hold a configuration for others (`--config-only`, `--config-from`), and are none themselves. */
type CreateRequest = Parameters<Networks['create']>[0];

/** The record of a configuration. Throws FORBIDDEN for what only a network can have. */
export function configRecord(request: CreateRequest): NetworkRecord {
  if (request.configFrom !== undefined) {
    throw refusal('a configuration network cannot depend on another configuration network');
  }
  if (request.internal || request.attachable) {
    throw refusal(
      'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.',
    );
  }
  return {
    id: newId(),
    name: request.name,
    driver: 'none',
    internal: false,
    attachable: false,
    ...(request.enableIPv4 === false ? { enableIPv4: false } : {}),
    enableIPv6: request.enableIPv6,
    pools: [],
    template: request.pools,
    labels: request.labels,
    options: request.options,
    ...(request.ipamOptions ? { ipamOptions: request.ipamOptions } : {}),
    createdAt: new Date().toISOString(),
    bridge: '(config)',
  };
}

/** A request with what its configuration says, where it names one. Throws NOT_FOUND, FORBIDDEN for one that says more itself. */
export function withConfiguration(records: Records, request: CreateRequest): CreateRequest {
  if (request.configFrom === undefined) return request;
  const config = findNetwork(records, request.configFrom);
  if (!config?.template) {
    throw new IechorError('NOT_FOUND', `configuration network "${request.configFrom}" does not exist`);
  }
  const own = [request.pools, ...[request.options, request.labels, request.ipamOptions ?? {}].map(Object.keys)];
  if (request.enableIPv4 === false || request.enableIPv6 || own.some((part) => part.length > 0)) {
    throw refusal('user specified configurations are not supported if the network depends on a configuration network');
  }
  const { enableIPv4 = true, enableIPv6, labels, options, ipamOptions, template } = config;
  const families = { enableIPv4, enableIPv6 };
  const ipam = ipamOptions ? { ipamOptions } : {};
  return { ...request, ...families, ...ipam, configFrom: config.name, pools: template, labels, options };
}

/** Throws FORBIDDEN for a configuration that networks depend on. */
export function refuseConfigInUse(records: Records, network: NetworkRecord): void {
  if (!network.template) return;
  const users = records.networks().filter(({ configFrom }) => configFrom === network.name);
  if (users.length === 0) return;
  const names = users.map(({ name }) => `"${name}"`).join(', ');
  throw new IechorError('FORBIDDEN', `configuration network "${network.name}" is in use by ${names}`, {
    hint: 'remove these networks first',
  });
}

const refusal = (message: string): IechorError => new IechorError('FORBIDDEN', message);
