import {
  attribute,
  attributes,
  type Netlink,
  type NetlinkMessage,
  type NetlinkRequest,
  nlm,
  withNetlink,
} from './netlink.ts';
import { addressText } from './netlink-routes.ts';
import { errnoOf } from './netns-sockets.ts';

const NETLINK_NETFILTER = 12;
const IPCTNL_MSG_CT_GET = 0x0101;
const IPCTNL_MSG_CT_DELETE = 0x0102;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_PROTOINFO = 4;
const CTA_PROTOINFO_TCP = 1;
const CTA_PROTOINFO_TCP_STATE = 1;
const CTA_ID = 12;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_SOURCE = { v4: 1, v6: 3 } as const;
const CTA_IP_DESTINATION = { v4: 2, v6: 4 } as const;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SOURCE = 2;
const CTA_PROTO_DESTINATION = 3;
const NLA_F_NESTED = 0x8000;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
/** States of TCP as ctnetlink numbers them. */
const SYN_SENT = 1;
const LAST_ACK = 6;
const headerBytes = 4;
/** So many answers fit into a socket's buffer. */
const mostAtOnce = 64;

/** One side of a flow. */
export interface FlowTarget {
  readonly address: string;
  readonly port: number;
}
type Matches = (target: FlowTarget) => boolean;

/**
 * Makes the kernel forget flows of UDP datagrams, by where their first packet went, so that the next packet of each
 * meets the rules of now: a flow keeps the translation it began with for as long as it lasts. Does nothing where the
 * kernel does not list its flows.
 */
export function forgetUdpFlows(matches: Matches): void {
  forget((flow) => flow.protocol === IPPROTO_UDP && matches(flow.destination));
}

/**
 * As forgetUdpFlows, for connections and attempts to connect, by the server they were led to, when it is gone: attempts
 * are led elsewhere when they are made again, connections break at once, and a client that takes the port of a former
 * connection anew is not led to where that one went. Those that have ended are no matter: they make room by themselves.
 */
export function forgetTcpFlows(matches: Matches): void {
  forget((flow) => isOpenTcp(flow) && matches(flow.server));
}

/** How many TCP connections are open, or opening, to the servers that match. 0 where the kernel does not list them. */
export function countTcpFlows(matches: Matches): number {
  return withFlows((flows) => flows.filter((flow) => isOpenTcp(flow) && matches(flow.server)).length) ?? 0;
}

const isOpenTcp = ({ protocol, state }: Flow): boolean =>
  protocol === IPPROTO_TCP && state >= SYN_SENT && state <= LAST_ACK;

interface Flow {
  readonly protocol: number;
  /** Of TCP; 0 for others. */
  readonly state: number;
  /** Where its first packet went. */
  readonly destination: FlowTarget;
  /** Who answers, after all translation. */
  readonly server: FlowTarget;
  readonly deletion: () => NetlinkRequest;
}

function forget(matches: (flow: Flow) => boolean): void {
  withFlows((flows, netlink) => {
    const deletions = flows.filter(matches).map((flow) => flow.deletion());
    for (let at = 0; at < deletions.length; at += mostAtOnce) netlink.send(...deletions.slice(at, at + mostAtOnce));
  });
}

/** Undefined where the kernel does not list its flows. */
function withFlows<T>(action: (flows: readonly Flow[], netlink: Netlink) => T): T | undefined {
  const list: NetlinkRequest = {
    operation: 'list flows',
    type: IPCTNL_MSG_CT_GET,
    flags: nlm.dump,
    body: Buffer.alloc(headerBytes),
  };
  try {
    return withNetlink(
      undefined,
      (netlink) =>
        action(
          netlink.ask(list).flatMap((message) => flowOf(message) ?? []),
          netlink,
        ),
      NETLINK_NETFILTER,
    );
  } catch (error) {
    if (!['EOPNOTSUPP', 'EPROTONOSUPPORT', 'EINVAL'].includes(errnoOf(error) ?? '')) throw error;
    return undefined;
  }
}

function flowOf(message: NetlinkMessage): Flow | undefined {
  const all = attributes(message.body.subarray(headerBytes));
  const tuple = all.get(CTA_TUPLE_ORIG);
  if (!tuple) return undefined;
  // The ports may have begun another flow since it was listed.
  const own = all.get(CTA_ID);
  const nothing = Buffer.alloc(0);
  const protocol = attributes(attributes(tuple).get(CTA_TUPLE_PROTO) ?? nothing);
  const tcp = attributes(attributes(all.get(CTA_PROTOINFO) ?? nothing).get(CTA_PROTOINFO_TCP) ?? nothing);
  const destination = side(tuple, CTA_IP_DESTINATION, CTA_PROTO_DESTINATION);
  return {
    protocol: protocol.get(CTA_PROTO_NUM)?.readUInt8(0) ?? 0,
    state: tcp.get(CTA_PROTOINFO_TCP_STATE)?.readUInt8(0) ?? 0,
    destination,
    server: side(all.get(CTA_TUPLE_REPLY) ?? nothing, CTA_IP_SOURCE, CTA_PROTO_SOURCE),
    deletion: () => ({
      operation: `forget flow to ${destination.address}:${destination.port}`,
      type: IPCTNL_MSG_CT_DELETE,
      flags: 0,
      body: Buffer.concat([
        message.body.subarray(0, headerBytes),
        attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, tuple),
        ...(own ? [attribute(CTA_ID, own)] : []),
      ]),
      ignore: ['ENOENT'],
    }),
  };
}

function side(tuple: Buffer, address: { readonly v4: number; readonly v6: number }, port: number): FlowTarget {
  const parts = attributes(tuple);
  const ip = attributes(parts.get(CTA_TUPLE_IP) ?? Buffer.alloc(0));
  const protocol = attributes(parts.get(CTA_TUPLE_PROTO) ?? Buffer.alloc(0));
  return {
    address: addressText(ip.get(address.v4) ?? ip.get(address.v6)),
    port: protocol.get(port)?.readUInt16BE(0) ?? 0,
  };
}
