import { subnetOf, subnetText } from './addresses.ts';
import { buildRecord, builtIn, type CreateRequest } from './create.ts';
import type { NetworkContext } from './network-context.ts';
import type { NetworkDefaults, NetworkRecord } from './types.ts';

const common = { internal: false, attachable: false, enableIPv6: false, labels: {}, options: {}, pools: [] };

/** Makes the networks that are there from the start, and changes the bridge to what is asked of it now. Idempotent. */
export function ensureBuiltIns(context: NetworkContext, defaults: NetworkDefaults): void {
  const { records } = context;
  for (const name of builtIn) {
    const request = { ...common, name, driver: name, ...(name === 'bridge' ? asConfigured(defaults) : {}) };
    const before = records.networks().find((network) => network.name === name);
    if (!before) records.putNetwork(buildRecord(context, request));
    else if (name === 'bridge' && !isAsAsked(before, request)) changeBuiltIn(context, before, request);
  }
}

function asConfigured({ bridge, address }: NetworkDefaults): Pick<CreateRequest, 'options' | 'pools'> {
  if (address === undefined) return { options: bridge, pools: [] };
  const [gateway = '', length] = address.split('/');
  return { options: bridge, pools: [{ subnet: subnetText(subnetOf(gateway, Number(length))), gateway }] };
}

function isAsAsked({ options, pools }: NetworkRecord, asked: CreateRequest): boolean {
  const [pool] = pools;
  const [wanted] = asked.pools;
  const isPool = wanted
    ? pool?.subnet === wanted.subnet && pool?.gateway === wanted.gateway
    : pool?.chosen === 'subnet';
  const texts = (of: Readonly<Record<string, string>>) => JSON.stringify(Object.entries(of).sort());
  return isPool && texts(options) === texts(asked.options);
}

/** Another configuration of the built-in network: once nothing uses it any more, since its device has to be made anew. */
function changeBuiltIn(context: NetworkContext, before: NetworkRecord, request: CreateRequest): void {
  const { records, log } = context;
  if (records.endpointsOn(before.id).length > 0) {
    log.warn('the network "bridge" stays as it is until the engine starts with nothing in it');
    return;
  }
  records.deleteNetwork(before.id);
  try {
    const { id, createdAt } = before;
    records.putNetwork({ ...buildRecord(context, request), id, createdAt });
  } catch (error) {
    records.putNetwork(before);
    throw error;
  }
}
