import { attribute, type NetlinkRequest, nlm, rtm } from './netlink.ts';

/** Links that stand on another link of the host: VLANs, macvlan and ipvlan; and links that lead nowhere. */

const IFLA = { address: 1, name: 3, link: 5, linkInfo: 18, group: 27, netnsFd: 28 } as const;
const INFO_KIND = 1;
const INFO_DATA = 2;
const VLAN_ID = 1;
const MACVLAN_MODE = 1;
const IPVLAN_MODE = 1;
const IPVLAN_FLAGS = 2;

/** Values of the kernel's own headers (if_link.h). */
const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;
const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;

/** What a link on a parent is: kind, mode and, for ipvlan, how its ends reach one another. */
export type SublinkKind =
  | { readonly kind: 'macvlan'; readonly mode: keyof typeof macvlanModes }
  | { readonly kind: 'ipvlan'; readonly mode: keyof typeof ipvlanModes; readonly flag: keyof typeof ipvlanFlags };

/** The modes there are, the default first. */
export const sublinkModes = {
  macvlan: ['bridge', 'private', 'vepa', 'passthru'],
  ipvlan: ['l2', 'l3', 'l3s'],
  ipvlanFlag: ['bridge', 'private', 'vepa'],
} as const;

/** A link that leads nowhere, to stand on. EEXIST where the name is taken, ENOTSUP where the kernel has none. */
export function createDummy(name: string, group: number): NetlinkRequest {
  const info = [attribute(INFO_KIND, 'dummy')];
  return create(`create dummy ${name}`, [
    attribute(IFLA.name, name),
    attribute(IFLA.group, group),
    attribute(IFLA.linkInfo, info),
  ]);
}

/** A VLAN of a parent (by index). ENOTSUP where the kernel has no VLANs. */
export function createVlan(name: string, vlan: { parent: number; id: number; group: number }): NetlinkRequest {
  const info = [attribute(INFO_KIND, 'vlan'), attribute(INFO_DATA, [attribute(VLAN_ID, word16(vlan.id))])];
  return create(`create VLAN ${name}`, [
    attribute(IFLA.name, name),
    attribute(IFLA.link, vlan.parent),
    attribute(IFLA.group, vlan.group),
    attribute(IFLA.linkInfo, info),
  ]);
}

/** A macvlan or ipvlan link on a parent (by index), made straight in the namespace of an open descriptor. */
export function createSublink(
  name: string,
  at: { readonly parent: number; readonly netnsFd: number; readonly mac?: string },
  what: SublinkKind,
): NetlinkRequest {
  const data =
    what.kind === 'macvlan'
      ? [attribute(MACVLAN_MODE, macvlanModes[what.mode])]
      : [
          attribute(IPVLAN_MODE, word16(ipvlanModes[what.mode])),
          attribute(IPVLAN_FLAGS, word16(ipvlanFlags[what.flag])),
        ];
  return create(`create ${what.kind} ${name}`, [
    ...(at.mac === undefined ? [] : [attribute(IFLA.address, Buffer.from(at.mac.replaceAll(':', ''), 'hex'))]),
    attribute(IFLA.name, name),
    attribute(IFLA.link, at.parent),
    attribute(IFLA.netnsFd, at.netnsFd),
    attribute(IFLA.linkInfo, [attribute(INFO_KIND, what.kind), attribute(INFO_DATA, data)]),
  ]);
}

function create(operation: string, attributes: readonly Buffer[]): NetlinkRequest {
  const flags = nlm.create | nlm.exclusive;
  return { operation, type: rtm.newLink, flags, body: Buffer.concat([Buffer.alloc(16), ...attributes]) };
}

function word16(value: number): Buffer {
  const word = Buffer.alloc(2);
  word.writeUInt16LE(value);
  return word;
}
