import { closeSync, openSync } from 'node:fs';
import { IechorError, isIechorError } from '../common/error.ts';
import { type Netlink, type NetlinkRequest, withNetlink } from '../host/netlink.ts';
import { deleteLink, findLink, type Link, setLink } from '../host/netlink-links.ts';
import { createDummy, createSublink, createVlan, type SublinkKind, sublinkModes } from '../host/netlink-sublinks.ts';
import { errnoOf } from '../host/netns-sockets.ts';
import type { KernelNames, Records } from './records.ts';
import type { NetworkRecord } from './types.ts';

/** Networks whose containers stand on a device of the host, their parent: macvlan and ipvlan. */
export type SublinkDriver = SublinkKind['kind'];
export type SublinkNetwork = NetworkRecord & { readonly driver: SublinkDriver; readonly parent: string };

export function isSublinkDriver(driver: string): driver is SublinkDriver {
  return driver === 'macvlan' || driver === 'ipvlan';
}

export function isSublinkNetwork(network: NetworkRecord): network is SublinkNetwork {
  return isSublinkDriver(network.driver) && network.parent !== undefined;
}

const optionsOf: Readonly<Record<SublinkDriver, readonly string[]>> = {
  macvlan: ['parent', 'macvlan_mode'],
  ipvlan: ['parent', 'ipvlan_mode', 'ipvlan_flag'],
};

/** Options that have no effect: kept for whoever wrote them, or misspelt. */
export function idleSublinkOptions(
  driver: SublinkDriver,
  options: Readonly<Record<string, string>>,
): readonly string[] {
  return Object.keys(options).filter((key) => !optionsOf[driver].includes(key));
}

/** What driver options under Docker's names say. Throws BAD_REQUEST for a value. */
export function sublinkOptions(
  driver: SublinkDriver,
  options: Readonly<Record<string, string>>,
): { readonly parent: string; readonly link: SublinkKind } {
  const { parent = '' } = options;
  if (parent === 'lo') throw refusal(`loopback interface is not a valid ${driver} parent link`);
  const mode = `${driver}_mode`;
  if (driver === 'macvlan') return { parent, link: { kind: driver, mode: oneOf(sublinkModes.macvlan, options, mode) } };
  const flag = oneOf(sublinkModes.ipvlanFlag, options, 'ipvlan_flag');
  return { parent, link: { kind: driver, mode: oneOf(sublinkModes.ipvlan, options, mode), flag } };
}

function oneOf<T extends string>(
  values: readonly [T, ...T[]],
  options: Readonly<Record<string, string>>,
  key: string,
): T {
  const asked = options[key] || values[0];
  const found = values.find((value) => value === asked);
  if (found !== undefined) return found;
  throw refusal(`the network option "${key}" is "${asked}", but must be one of ${values.join(', ')}`);
}

/** Name of the parent of a network: the one asked for, else one of the engine's own that leads nowhere. */
export function parentName(id: string, asked: string): string {
  return asked === '' ? ownParent(id) : asked;
}

const ownParent = (id: string): string => `dm-${id.slice(0, 12)}`;

/** False where nothing of the outside is reached: internal networks, and those without a parent of the host. */
export function leadsOutside(network: NetworkRecord): boolean {
  return !network.internal && network.parent !== ownParent(network.id);
}

/** True where the way out is the device itself, not a gateway. */
export function routesByDevice(network: NetworkRecord): boolean {
  if (!isSublinkNetwork(network) || network.driver !== 'ipvlan') return false;
  return sublinkOptions(network.driver, network.options).link.mode !== 'l2';
}

/** Throws BAD_REQUEST where the parent's other networks leave no place for this one. */
export function refuseSharedParent(records: Records, network: SublinkNetwork): void {
  const { kind, mode } = sublinkOptions(network.driver, network.options).link;
  for (const other of records.networks()) {
    if (other.id === network.id || !isSublinkNetwork(other) || other.parent !== network.parent) continue;
    const theirs = sublinkOptions(other.driver, other.options).link;
    const parent = `network "${other.name}" is already using parent interface ${network.parent}`;
    if (theirs.kind !== kind) throw refusal(`${parent} as ${theirs.kind}`);
    if (mode === 'passthru') throw refusal(`cannot use mode passthru, ${parent}`);
    if (theirs.mode === 'passthru') throw refusal(`${parent} in mode passthru`);
    if (kind === 'ipvlan' && theirs.mode !== mode) throw refusal(`${parent} in mode ${theirs.mode}`);
  }
}

/**
 * The parent device, made where it is missing and the engine's to make: a dummy where none was asked for, a VLAN for
 * `eth0.10`. What the engine makes carries its group. Idempotent.
 */
export function ensureParent(network: SublinkNetwork, names: KernelNames, netlink: Netlink): Link {
  const { parent } = network;
  const there = findLink(netlink, parent);
  if (!there) {
    if (parent === ownParent(network.id)) make(netlink, createDummy(parent, names.group), 'dummy devices');
    else makeVlan(netlink, parent, names.group);
  }
  const alias = `iEchor network ${network.name}`;
  if (!there?.up) netlink.send(setLink(parent, there ? { up: true } : { alias, up: true }));
  const link = findLink(netlink, parent);
  if (!link) throw new Error(`parent ${parent} vanished while it was set up`);
  return link;
}

/** True where the parent is there, by the names of all devices, or can be made. */
export function canStand(network: SublinkNetwork, devices: ReadonlySet<string>): boolean {
  const { id, parent } = network;
  return parent === ownParent(id) || devices.has(parent) || devices.has(parent.replace(/\.\d+$/, ''));
}

function makeVlan(netlink: Netlink, name: string, group: number): void {
  const at = name.lastIndexOf('.');
  if (at < 1) throw refusal(`there is no interface "${name}" on this host`, 'see `ip link`; a VLAN is written eth0.10');
  const [base, tag] = [name.slice(0, at), name.slice(at + 1)];
  const id = /^\d{1,4}$/.test(tag) ? Number(tag) : 0;
  if (id < 1 || id > 4094) throw refusal(`"${tag}" in the parent "${name}" is no VLAN`, 'VLANs are 1 to 4094: eth0.10');
  if (name.length > 15) throw refusal(`the parent "${name}" is longer than the 15 characters of a device name`);
  const parent = findLink(netlink, base);
  if (!parent) throw refusal(`there is no interface "${base}" on this host to make "${name}" on`);
  make(netlink, createVlan(name, { parent: parent.index, id, group }), 'VLANs');
}

/** Removes the parent where the engine made it and no other network stands on it. Idempotent. */
export function removeParent(records: Records, network: SublinkNetwork, names: KernelNames): void {
  const shared = records.networks().some((other) => other.id !== network.id && other.parent === network.parent);
  if (shared) return;
  withNetlink(undefined, (netlink) => {
    if (findLink(netlink, network.parent)?.group === names.group) netlink.send(deleteLink(network.parent));
  });
}

/** Throws HOST_UNSUPPORTED where the kernel has no such links: better now than at the first start of a container. */
export function refuseMissingKind(network: SublinkNetwork, parent: Link, names: KernelNames): void {
  const { link } = sublinkOptions(network.driver, network.options);
  const probe: SublinkKind = link.kind === 'macvlan' ? { kind: 'macvlan', mode: 'private' } : link;
  const name = names.veth(network.id, 0);
  const netnsFd = openSync('/proc/thread-self/ns/net', 'r');
  try {
    withNetlink(undefined, (netlink) => {
      try {
        make(netlink, createSublink(name, { parent: parent.index, netnsFd }, probe), `${network.driver} links`);
      } catch (error) {
        // Whatever else keeps a link from being made now may be over by the first start.
        if (isIechorError(error) && error.code === 'HOST_UNSUPPORTED') throw error;
      }
      netlink.send(deleteLink(name));
    });
  } finally {
    closeSync(netnsFd);
  }
}

function make(netlink: Netlink, request: NetlinkRequest, what: string): void {
  try {
    netlink.send(request);
  } catch (error) {
    if (!isIechorError(error) || errnoOf(error) !== 'ENOTSUP') throw error;
    throw new IechorError('HOST_UNSUPPORTED', `the kernel of this host has no ${what}`, {
      hint: 'load the module, or use a network with driver: bridge',
      cause: error,
    });
  }
}

function refusal(message: string, hint?: string): IechorError {
  return new IechorError('BAD_REQUEST', message, hint === undefined ? {} : { hint });
}
