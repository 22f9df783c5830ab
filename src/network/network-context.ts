import { join } from 'node:path';
import { IechorError } from '../common/error.ts';
import type { KeyedMutex } from '../common/keyed-mutex.ts';
import type { Log } from '../common/log.ts';
import type { ObjectStore } from '../common/object-store.ts';
import type { Roots } from '../common/roots.ts';
import { readIfThere } from '../host/files.ts';
import type { DnsClient } from './dns-client.ts';
import type { Firewall } from './firewall.ts';
import type { DefaultPool } from './ipam.ts';
import type { Lingering } from './lingering.ts';
import type { KernelNames, Records } from './records.ts';
import { parseResolvConf, type ResolvConf } from './resolv-conf.ts';
import type { NetworkRecord } from './types.ts';

/** What the operations of this folder work with. */
export interface NetworkContext {
  readonly store: ObjectStore;
  readonly roots: Roots;
  readonly log: Log;
  readonly records: Records;
  readonly names: KernelNames;
  readonly firewall: Firewall;
  readonly dns: DnsClient;
  /** Serialises what is done to one container. */
  readonly mutex: KeyedMutex;
  readonly pools: readonly DefaultPool[];
  /** Links and addresses given back a moment ago, which the kernel may not have let go of yet. */
  readonly lingering: Lingering;
}

export function netnsDirectory(roots: Roots): string {
  return join(roots.execRoot, 'netns');
}

export function netnsPath(roots: Roots, containerId: string): string {
  return join(netnsDirectory(roots), containerId);
}

/** The host's resolver configuration as it is now. */
export function hostResolvConf(): ResolvConf {
  return parseResolvConf(readIfThere('/etc/resolv.conf') ?? '');
}

/** By id, name or unambiguous id prefix. */
export function findNetwork(records: Records, nameOrId: string): NetworkRecord | undefined {
  const all = records.networks();
  const exact = records.network(nameOrId) ?? all.find((network) => network.name === nameOrId);
  if (exact || !/^[0-9a-f]+$/.test(nameOrId)) return exact;
  const matches = all.filter((network) => network.id.startsWith(nameOrId));
  return matches.length === 1 ? matches[0] : undefined;
}

/** As findNetwork; throws NETWORK_NOT_FOUND. */
export function getNetwork(records: Records, nameOrId: string): NetworkRecord {
  const network = findNetwork(records, nameOrId);
  if (network) return network;
  throw new IechorError('NETWORK_NOT_FOUND', `network ${nameOrId} not found`, {
    hint: 'see `iechor network ls`',
  });
}
