import { attribute, attributes, type NetlinkMessage, type NetlinkRequest, nlm, withNetlink } from './netlink.ts';
import { addressText } from './netlink-routes.ts';
import { errnoOf } from './netns-sockets.ts';

const NETLINK_NETFILTER = 12;
const IPCTNL_MSG_CT_GET = 0x0101;
const IPCTNL_MSG_CT_DELETE = 0x0102;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_DESTINATION = { v4: 2, v6: 4 } as const;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_DESTINATION = 3;
const NLA_F_NESTED = 0x8000;
const IPPROTO_UDP = 17;
const headerBytes = 4;

/** Where the first packet of a flow of datagrams went. */
export interface FlowTarget {
  readonly address: string;
  readonly port: number;
}

/**
 * Makes the kernel forget flows of UDP datagrams, so that the next packet of each meets the rules of now: a flow keeps
 * the translation it began with for as long as it lasts. Does nothing where the kernel does not list its flows.
 */
export function forgetUdpFlows(matches: (target: FlowTarget) => boolean): void {
  const list: NetlinkRequest = {
    operation: 'list flows',
    type: IPCTNL_MSG_CT_GET,
    flags: nlm.dump,
    body: Buffer.alloc(headerBytes),
  };
  try {
    withNetlink(
      undefined,
      (netlink) => netlink.send(...netlink.ask(list).flatMap((message) => deletion(message, matches) ?? [])),
      NETLINK_NETFILTER,
    );
  } catch (error) {
    if (!['EOPNOTSUPP', 'EPROTONOSUPPORT', 'EINVAL'].includes(errnoOf(error) ?? '')) throw error;
  }
}

function deletion(message: NetlinkMessage, matches: (target: FlowTarget) => boolean): NetlinkRequest | undefined {
  const tuple = attributes(message.body.subarray(headerBytes)).get(CTA_TUPLE_ORIG);
  if (!tuple) return undefined;
  const parts = attributes(tuple);
  const ip = attributes(parts.get(CTA_TUPLE_IP) ?? Buffer.alloc(0));
  const protocol = attributes(parts.get(CTA_TUPLE_PROTO) ?? Buffer.alloc(0));
  if (protocol.get(CTA_PROTO_NUM)?.readUInt8(0) !== IPPROTO_UDP) return undefined;
  const address = addressText(ip.get(CTA_IP_DESTINATION.v4) ?? ip.get(CTA_IP_DESTINATION.v6));
  const port = protocol.get(CTA_PROTO_DESTINATION)?.readUInt16BE(0) ?? 0;
  if (!matches({ address, port })) return undefined;
  return {
    operation: `forget flow to ${address}:${port}`,
    type: IPCTNL_MSG_CT_DELETE,
    flags: 0,
    body: Buffer.concat([message.body.subarray(0, headerBytes), attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, tuple)]),
    ignore: ['ENOENT'],
  };
}
