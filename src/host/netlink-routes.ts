import { isIPv4, isIPv6 } from 'node:net';
import { attribute, attributes, type Netlink, type NetlinkRequest, nlm, rtm } from './netlink.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const IFA = { address: 1, local: 2, broadcast: 4 } as const;
const IFA_F_NODAD = 2;
const RTA = { destination: 1, output: 4, gateway: 5, priority: 6, metrics: 8, table: 15 } as const;
const RTAX_MTU = 2;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;

export interface Address {
  readonly linkIndex: number;
  readonly address: string;
  readonly prefixLength: number;
}
export interface Route {
  /** Empty for a default route. */
  readonly destination: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly linkIndex: number;
  /** 0 where the route sets none. */
  readonly mtu: number;
  readonly priority: number;
  readonly family: 4 | 6;
}

/** Gives a link an address. Idempotent. IPv6 addresses skip duplicate detection, as they are ours to give. */
export function addAddress(linkIndex: number, address: string, prefixLength: number): NetlinkRequest {
  return {
    operation: `add address ${address}/${prefixLength}`,
    type: rtm.newAddress,
    flags: nlm.create | nlm.exclusive,
    body: addressBody(linkIndex, address, prefixLength),
    ignore: ['EEXIST'],
  };
}

/** Idempotent. */
export function deleteAddress(linkIndex: number, address: string, prefixLength: number): NetlinkRequest {
  return {
    operation: `delete address ${address}/${prefixLength}`,
    type: rtm.deleteAddress,
    flags: 0,
    body: addressBody(linkIndex, address, prefixLength),
    ignore: ['EADDRNOTAVAIL', 'ENODEV'],
  };
}

/** Sets the default route of the gateway's family, in place of a former one. 0.0.0.0 and ::: the link itself. */
export function setDefaultRoute(linkIndex: number, gateway: string): NetlinkRequest {
  return {
    operation: `set default route by ${gateway}`,
    type: rtm.newRoute,
    flags: nlm.create | nlm.replace,
    body: Buffer.concat([
      routeHeader(gateway),
      ...(['0.0.0.0', '::'].includes(gateway) ? [] : [attribute(RTA.gateway, addressBytes(gateway))]),
      attribute(RTA.output, linkIndex),
    ]),
  };
}

/** Takes the default route of a family away. Idempotent. */
export function deleteDefaultRoute(family: 4 | 6): NetlinkRequest {
  return {
    operation: 'delete default route',
    type: rtm.deleteRoute,
    flags: 0,
    body: routeHeader(family === 4 ? '0.0.0.0' : '::'),
    ignore: ['ESRCH'],
  };
}

export function listAddresses(netlink: Netlink): readonly Address[] {
  const request = { operation: 'list addresses', type: rtm.getAddress, flags: nlm.dump, body: Buffer.alloc(8) };
  return netlink.ask(request).map(({ body }) => {
    const found = attributes(body.subarray(8));
    const value = found.get(IFA.local) ?? found.get(IFA.address);
    return { linkIndex: body.readUInt32LE(4), address: addressText(value), prefixLength: body.readUInt8(1) };
  });
}

/** Routes of the main table, both families. */
export function listRoutes(netlink: Netlink): readonly Route[] {
  const request = { operation: 'list routes', type: rtm.getRoute, flags: nlm.dump, body: Buffer.alloc(12) };
  return netlink.ask(request).flatMap(({ body }) => {
    const found = attributes(body.subarray(12));
    const number = (type: number) => found.get(type)?.readUInt32LE(0) ?? 0;
    if ((number(RTA.table) || body.readUInt8(4)) !== RT_TABLE_MAIN) return [];
    const metrics = found.get(RTA.metrics);
    const family = body.readUInt8(0) === AF_INET6 ? 6 : 4;
    return {
      family,
      destination: addressText(found.get(RTA.destination)),
      prefixLength: body.readUInt8(1),
      gateway: addressText(found.get(RTA.gateway)),
      linkIndex: number(RTA.output),
      mtu: metrics ? (attributes(metrics).get(RTAX_MTU)?.readUInt32LE(0) ?? 0) : 0,
      priority: number(RTA.priority),
    } as const;
  });
}

function addressBody(linkIndex: number, address: string, prefixLength: number): Buffer {
  const bytes = addressBytes(address);
  const body = Buffer.alloc(8);
  body.writeUInt8(familyOf(address), 0);
  body.writeUInt8(prefixLength, 1);
  body.writeUInt8(isIPv6(address) ? IFA_F_NODAD : 0, 2);
  body.writeUInt32LE(linkIndex, 4);
  const parts = [body, attribute(IFA.local, bytes), attribute(IFA.address, bytes)];
  if (isIPv4(address) && prefixLength < 31) parts.push(attribute(IFA.broadcast, broadcast(bytes, prefixLength)));
  return Buffer.concat(parts);
}

function routeHeader(address: string): Buffer {
  const body = Buffer.alloc(12);
  body.writeUInt8(familyOf(address), 0);
  body.writeUInt8(RT_TABLE_MAIN, 4);
  body.writeUInt8(RTPROT_BOOT, 5);
  body.writeUInt8(RTN_UNICAST, 7);
  return body;
}

function familyOf(address: string): number {
  return isIPv6(address) ? AF_INET6 : AF_INET;
}

function broadcast(bytes: Buffer, prefixLength: number): Buffer {
  const last = Buffer.alloc(4);
  last.writeUInt32BE((bytes.readUInt32BE(0) | (0xffffffff >>> prefixLength)) >>> 0);
  return last;
}

/** Network-order bytes of an address. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const mapped = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const plain = mapped
    ? `${mapped[1]}${pair(mapped[2], mapped[3])}:${pair(mapped[4], mapped[5])}`
    : address.replace(/%.*$/, '');
  const [head = '', tail] = plain.split('::');
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const middle = Array<string>(8 - before.length - after.length).fill('0');
  return Buffer.from([...before, ...middle, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function pair(high: string | undefined, low: string | undefined): string {
  return (Number(high) * 256 + Number(low)).toString(16);
}

/** Text of an address, in the shortest form; empty for none. */
export function addressText(bytes: Buffer | undefined): string {
  if (!bytes) return '';
  if (bytes.length === 4) return [...bytes].join('.');
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':');
  const zeros = [...groups.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length)[0];
  if (!zeros) return groups;
  const before = groups.slice(0, zeros.index);
  const after = groups.slice(zeros.index + zeros[0].length + 1);
  return `${before}::${after}`;
}
