import { closeSync } from 'node:fs';
import { IechorError } from '../common/error.ts';
import { checked, errnoName, native } from './libc.ts';
import { inNetns } from './netns.ts';

/** Types of rtnetlink(7) messages in use. */
export const rtm = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
} as const;
/** Flags of a request, beside NLM_F_REQUEST and NLM_F_ACK which are always set. */
export const nlm = { replace: 0x100, exclusive: 0x200, create: 0x400, dump: 0x300 } as const;

export interface NetlinkRequest {
  /** What it does, for the error message: `create bridge ie-0a1b`. */
  readonly operation: string;
  readonly type: number;
  readonly flags: number;
  /** Header of the message's family, then attributes. */
  readonly body: Buffer;
  /** Names of errors that mean "already so". */
  readonly ignore?: readonly string[];
}
export interface NetlinkMessage {
  readonly type: number;
  readonly body: Buffer;
}
export interface Netlink {
  /** Sends all in one go. Throws HOST_SYSCALL_FAILED for the first that failed; `cause.code` names the errno. */
  send(...requests: readonly NetlinkRequest[]): void;
  /** The replies to one request. */
  ask(request: NetlinkRequest): readonly NetlinkMessage[];
}

const socket = native('int socket(int domain, int type, int protocol)');
const sendCall = native('long send(int fd, const void *data, size_t size, int flags)');
const receive = native('long recv(int fd, _Out_ void *data, size_t size, int flags)');
const setOption = native('int setsockopt(int fd, int level, int option, const void *value, uint32_t size)');

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0x80000;
const NETLINK_ROUTE = 0;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NLM_F_REQUEST_ACK = 0x5;
const NLM_F_ACK_TLVS = 0x200;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const headerBytes = 16;

/**
 * Runs a synchronous action with a routing socket of a network namespace (none: the own one). Everything here blocks
 * for the kernel only, microseconds to a few milliseconds.
 */
export function withNetlink<T>(
  netns: string | undefined,
  action: (netlink: Netlink) => T,
  protocol = NETLINK_ROUTE,
): T {
  const fd = inNetns(netns, () => checked('socket', 'AF_NETLINK', socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol)));
  try {
    const one = Buffer.from([1, 0, 0, 0]);
    setOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, one, 4);
    setOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, one, 4);
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(10n, 0);
    setOption(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, 16);
    return action({
      send: (...requests) => {
        if (requests.length > 0) exchange(fd, requests);
      },
      ask: (request) => exchange(fd, [request]),
    });
  } finally {
    closeSync(fd);
  }
}

function exchange(fd: number, requests: readonly NetlinkRequest[]): readonly NetlinkMessage[] {
  const data = Buffer.concat(requests.map((request, index) => encode(request, index + 1)));
  checked('send', requests[0]?.operation ?? '', sendCall(fd, data, data.length, 0));
  const pending = new Set(requests.keys());
  const replies: NetlinkMessage[] = [];
  const failures: IechorError[] = [];
  const buffer = Buffer.alloc(65536);
  while (pending.size > 0) {
    const size = checked('recv', requests[0]?.operation ?? '', receive(fd, buffer, buffer.length, 0));
    for (const { type, flags, sequence, body } of messages(buffer.subarray(0, size))) {
      const request = requests[sequence - 1];
      if (!request || !pending.has(sequence - 1)) continue;
      if (type !== NLMSG_ERROR && type !== NLMSG_DONE) {
        replies.push({ type, body: Buffer.from(body) });
        continue;
      }
      pending.delete(sequence - 1);
      const errno = body.length >= 4 ? -body.readInt32LE(0) : 0;
      if (errno <= 0) continue;
      const name = errnoName(errno);
      if (!request.ignore?.includes(name)) failures.push(failure(request, name, extended(body, flags)));
    }
  }
  if (failures[0]) throw failures[0];
  return replies;
}

function encode(request: NetlinkRequest, sequence: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(headerBytes + request.body.length, 0);
  header.writeUInt16LE(request.type, 4);
  header.writeUInt16LE(NLM_F_REQUEST_ACK | request.flags, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, request.body, Buffer.alloc(-request.body.length & 3)]);
}

function* messages(data: Buffer): Iterable<{ type: number; flags: number; sequence: number; body: Buffer }> {
  for (let at = 0; at + headerBytes <= data.length; ) {
    const length = data.readUInt32LE(at);
    if (length < headerBytes) return;
    yield {
      type: data.readUInt16LE(at + 4),
      flags: data.readUInt16LE(at + 6),
      sequence: data.readUInt32LE(at + 8),
      body: data.subarray(at + headerBytes, at + length),
    };
    at += (length + 3) & ~3;
  }
}

/** The kernel's own words, where it gives any (NLMSGERR_ATTR_MSG). */
function extended(body: Buffer, flags: number): string | undefined {
  if (!(flags & NLM_F_ACK_TLVS) || body.length <= 20) return undefined;
  return text(attributes(body.subarray(20)).get(1));
}

function failure(request: NetlinkRequest, name: string, words: string | undefined): IechorError {
  const cause = Object.assign(new Error(name), { code: name, syscall: 'netlink' });
  return new IechorError('HOST_SYSCALL_FAILED', `${request.operation}: ${words ? `${words} (${name})` : name}`, {
    cause,
  });
}

/** One attribute: bytes, a string (zero-terminated), a 32-bit number, or nested attributes. */
export function attribute(type: number, value: Uint8Array | string | number | readonly Buffer[]): Buffer {
  const payload = payloadOf(value);
  const header = Buffer.alloc(4);
  header.writeUInt16LE(4 + payload.length, 0);
  header.writeUInt16LE(type, 2);
  return Buffer.concat([header, payload, Buffer.alloc(-payload.length & 3)]);
}

function payloadOf(value: Uint8Array | string | number | readonly Buffer[]): Uint8Array {
  if (typeof value === 'string') return Buffer.from(`${value}\0`);
  if (typeof value === 'number') {
    const word = Buffer.alloc(4);
    word.writeUInt32LE(value >>> 0);
    return word;
  }
  return Array.isArray(value) ? Buffer.concat(value) : (value as Uint8Array);
}

/** Attributes by type. */
export function attributes(data: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= data.length; ) {
    const length = data.readUInt16LE(at);
    if (length < 4) break;
    found.set(data.readUInt16LE(at + 2) & 0x3fff, data.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

/** A zero-terminated string. */
export function text(value: Buffer | undefined): string | undefined {
  return value?.toString('utf8').replace(/\0.*$/s, '');
}
