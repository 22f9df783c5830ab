import { attribute, attributes, type Netlink, type NetlinkRequest, nlm, rtm, text } from './netlink.ts';

const IFLA = {
  address: 1,
  name: 3,
  mtu: 4,
  master: 10,
  linkInfo: 18,
  alias: 20,
  group: 27,
  netnsFd: 28,
} as const;
const INFO_KIND = 1;
const INFO_DATA = 2;
const INFO_SLAVE_KIND = 4;
const INFO_SLAVE_DATA = 5;
const BRPORT_MODE = 4;
const BRPORT_ISOLATED = 33;
const VETH_INFO_PEER = 1;
const IFF_UP = 1;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  /** Index of the bridge it is a port of, 0 for none. */
  readonly master: number;
  readonly group: number;
  readonly mac: string;
  readonly alias: string;
  readonly up: boolean;
  /** `bridge`, `veth` ...; empty for hardware. */
  readonly kind: string;
}

/** What is set on a link; what is left out stays as it is. */
export interface LinkSettings {
  readonly mac?: string;
  readonly mtu?: number;
  /** Index of a bridge; 0 takes it off its bridge. */
  readonly master?: number;
  readonly group?: number;
  /** Shown by `ip link`, up to 255 characters. */
  readonly alias?: string;
  readonly up?: boolean;
}

/** Makes a bridge; an alias can be set only afterwards. EEXIST where the name is taken. */
export function createBridge(name: string, settings: LinkSettings): NetlinkRequest {
  return {
    operation: `create bridge ${name}`,
    type: rtm.newLink,
    flags: nlm.create | nlm.exclusive,
    body: Buffer.concat([
      header(settings),
      attribute(IFLA.name, name),
      ...settingsOf(settings),
      attribute(IFLA.linkInfo, [attribute(INFO_KIND, 'bridge')]),
    ]),
  };
}

/**
 * Makes a veth pair, the peer straight in the namespace of an open descriptor. The kernel takes neither an alias nor a
 * peer that is up at this moment: set these afterwards.
 */
export function createVeth(
  name: string,
  settings: LinkSettings,
  peer: { readonly name: string; readonly netnsFd: number } & Pick<LinkSettings, 'mac' | 'mtu'>,
): NetlinkRequest {
  const other = Buffer.concat([
    header(peer),
    attribute(IFLA.name, peer.name),
    attribute(IFLA.netnsFd, peer.netnsFd),
    ...settingsOf(peer),
  ]);
  const info = [attribute(INFO_KIND, 'veth'), attribute(INFO_DATA, [attribute(VETH_INFO_PEER, other)])];
  return {
    operation: `create veth ${name}`,
    type: rtm.newLink,
    flags: nlm.create | nlm.exclusive,
    body: Buffer.concat([
      header(settings),
      attribute(IFLA.name, name),
      ...settingsOf(settings),
      attribute(IFLA.linkInfo, info),
    ]),
  };
}

export function setLink(name: string, settings: LinkSettings): NetlinkRequest {
  return {
    operation: `configure link ${name}`,
    type: rtm.newLink,
    flags: 0,
    body: Buffer.concat([header(settings), attribute(IFLA.name, name), ...settingsOf(settings)]),
  };
}

/**
 * Configures a port of a bridge. `hairpin` lets frames leave by the port they came from: a container that speaks to a
 * published port of its own needs it where the bridge filters its traffic (br_netfilter). `isolated` ports exchange
 * nothing with one another, only with the bridge itself.
 */
export function setBridgePort(name: string, port: { hairpin: boolean; isolated: boolean }): NetlinkRequest {
  const flag = (type: number, value: boolean) => attribute(type, Buffer.from([value ? 1 : 0]));
  const data = [flag(BRPORT_MODE, port.hairpin), flag(BRPORT_ISOLATED, port.isolated)];
  const info = [attribute(INFO_SLAVE_KIND, 'bridge'), attribute(INFO_SLAVE_DATA, data)];
  return {
    operation: `configure bridge port ${name}`,
    type: rtm.newLink,
    flags: 0,
    body: Buffer.concat([header({}), attribute(IFLA.name, name), attribute(IFLA.linkInfo, info)]),
  };
}

/** Idempotent. */
export function deleteLink(name: string): NetlinkRequest {
  return {
    operation: `delete link ${name}`,
    type: rtm.deleteLink,
    flags: 0,
    body: Buffer.concat([header({}), attribute(IFLA.name, name)]),
    ignore: ['ENODEV'],
  };
}

/** Deletes every link of a group at once, at the price of one. Idempotent. */
export function deleteGroup(group: number): NetlinkRequest {
  return {
    operation: `delete links of group ${group}`,
    type: rtm.deleteLink,
    flags: 0,
    body: Buffer.concat([header({}), attribute(IFLA.group, group)]),
    ignore: ['ENODEV'],
  };
}

/** One link by name, or undefined. */
export function findLink(netlink: Netlink, name: string): Link | undefined {
  const body = Buffer.concat([header({}), attribute(IFLA.name, name)]);
  const operation = `look up link ${name}`;
  const [reply] = netlink.ask({ operation, type: rtm.getLink, flags: 0, body, ignore: ['ENODEV'] });
  return reply && parse(reply.body);
}

/** All links of the namespace. */
export function listLinks(netlink: Netlink): readonly Link[] {
  return netlink
    .ask({ operation: 'list links', type: rtm.getLink, flags: nlm.dump, body: header({}) })
    .map((message) => parse(message.body));
}

function header(settings: LinkSettings): Buffer {
  const body = Buffer.alloc(16);
  if (settings.up === undefined) return body;
  body.writeUInt32LE(settings.up ? IFF_UP : 0, 8);
  body.writeUInt32LE(IFF_UP, 12);
  return body;
}

function settingsOf(settings: LinkSettings): Buffer[] {
  const { mac, mtu, master, group, alias } = settings;
  return [
    ...(mac === undefined ? [] : [attribute(IFLA.address, Buffer.from(mac.replaceAll(':', ''), 'hex'))]),
    ...(mtu === undefined ? [] : [attribute(IFLA.mtu, mtu)]),
    ...(master === undefined ? [] : [attribute(IFLA.master, master)]),
    ...(group === undefined ? [] : [attribute(IFLA.group, group)]),
    ...(alias === undefined ? [] : [attribute(IFLA.alias, Buffer.from(alias).subarray(0, 255))]),
  ];
}

function parse(body: Buffer): Link {
  const found = attributes(body.subarray(16));
  const number = (type: number) => found.get(type)?.readUInt32LE(0) ?? 0;
  const info = found.get(IFLA.linkInfo);
  return {
    index: body.readInt32LE(4),
    name: text(found.get(IFLA.name)) ?? '',
    mtu: number(IFLA.mtu),
    master: number(IFLA.master),
    group: number(IFLA.group),
    mac:
      found
        .get(IFLA.address)
        ?.toString('hex')
        .replace(/..(?=.)/g, '$&:') ?? '',
    alias: text(found.get(IFLA.alias)) ?? '',
    up: (body.readUInt32LE(8) & IFF_UP) !== 0,
    kind: (info && text(attributes(info).get(INFO_KIND))) ?? '',
  };
}
