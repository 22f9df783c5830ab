import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { isIechorError } from '../common/error.ts';
import { checked, native } from './libc.ts';
import { addressBytes } from './netlink-routes.ts';
import { inNetns } from './netns.ts';

const socketCall = native('int socket(int domain, int type, int protocol)');
const bindCall = native('int bind(int fd, const void *address, uint32_t size)');
const listenCall = native('int listen(int fd, int backlog)');
const setOption = native('int setsockopt(int fd, int level, int option, const void *value, uint32_t size)');
const getName = native('int getsockname(int fd, _Inout_ void *address, _Inout_ uint32_t *size)');

const AF_INET = 2;
const AF_INET6 = 10;
/** Type and protocol of socket(2). */
const transports = { tcp: [1, 6], udp: [2, 17], sctp: [1, 132] } as const;
const SOCK_FLAGS = 0x80000 | 0x800;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

export type Transport = keyof typeof transports;
export interface OpenSocket {
  /** Non-blocking and closed on exec; `dgram` and `net` adopt it. */
  readonly fd: number;
  readonly port: number;
}

/**
 * Opens a socket in a network namespace (none: the own one), bound to an address; port 0 takes a free one. Throws
 * HOST_SYSCALL_FAILED, whose `cause.code` names the errno.
 */
export function openSocket(
  transport: Transport,
  at: { readonly address: string; readonly port: number },
  options: { readonly netns?: string; readonly listen?: boolean; readonly reuse?: boolean } = {},
): OpenSocket {
  const subject = `${transport} ${at.address}:${at.port}`;
  const six = isIPv6(at.address);
  const [type, protocol] = transports[transport];
  const fd = inNetns(options.netns, () =>
    checked('socket', subject, socketCall(six ? AF_INET6 : AF_INET, type | SOCK_FLAGS, protocol)),
  );
  try {
    const one = Buffer.from([1, 0, 0, 0]);
    if (options.reuse) checked('setsockopt', subject, setOption(fd, SOL_SOCKET, SO_REUSEADDR, one, 4));
    if (six) checked('setsockopt', subject, setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, one, 4));
    const name = socketAddress(at.address, at.port);
    checked('bind', subject, bindCall(fd, name, name.length));
    if (options.listen) checked('listen', subject, listenCall(fd, 128));
    const bound = Buffer.alloc(28);
    const size = [bound.length];
    checked('getsockname', subject, getName(fd, bound, size));
    return { fd, port: bound.readUInt16BE(2) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Takes a port of this host so that no other process can, and returns the descriptor that holds it. Connections that
 * linger from a former server (TIME_WAIT) are no holders. Throws HOST_SYSCALL_FAILED (`cause.code` EADDRINUSE ...).
 */
export function holdPort(transport: Transport, address: string, port: number): number {
  try {
    return openSocket(transport, { address, port }).fd;
  } catch (error) {
    if (transport !== 'tcp' || errnoOf(error) !== 'EADDRINUSE') throw error;
    return openSocket(transport, { address, port }, { reuse: true, listen: true }).fd;
  }
}

/** True where the kernel has sockets of that kind; it loads its module for it where there is one. */
export function hasTransport(transport: Transport): boolean {
  try {
    closeSync(openSocket(transport, { address: '127.0.0.1', port: 0 }).fd);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EPROTONOSUPPORT') return false;
    throw error;
  }
}

/** True where the host has IPv6. */
export function hasIPv6(): boolean {
  try {
    closeSync(openSocket('tcp', { address: '::1', port: 0 }).fd);
    return true;
  } catch (error) {
    if (['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

/** Name of the errno behind a HOST_SYSCALL_FAILED. */
export function errnoOf(error: unknown): string | undefined {
  if (!isIechorError(error)) return undefined;
  const { cause } = error as Error;
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : undefined;
}

/** The process that holds a port of this host, as far as it can be seen. Slow: for error messages. */
export function portHolder(transport: Transport, port: number): { pid: number; name: string } | undefined {
  const inodes = new Set([transport, `${transport}6`].flatMap((table) => inodesOn(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    if (!socketsOf(pid).some((inode) => inodes.has(inode))) continue;
    return { pid: Number(pid), name: commandName(pid) };
  }
  return undefined;
}

function inodesOn(table: string, port: number): string[] {
  const lines = quietly(() => readFileSync(`/proc/thread-self/net/${table}`, 'utf8').split('\n'), []).slice(1);
  const rows = lines.map((line) => line.trim().split(/\s+/));
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const onPort = rows.filter((row) => row[1]?.split(':')[1] === wanted && row[9] !== '0');
  const listening = onPort.filter((row) => row[3] === '0A' || row[3] === '07');
  return (listening.length > 0 ? listening : onPort).map((row) => row[9] ?? '');
}

function socketsOf(pid: string): string[] {
  const fds = quietly(() => readdirSync(`/proc/${pid}/fd`), []);
  return fds.map((fd) => quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`), '').replace(/^socket:\[(\d+)\]$/, '$1'));
}

function commandName(pid: string): string {
  return quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), 'unknown');
}

/** What a process that ends meanwhile would have said. */
function quietly<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function socketAddress(address: string, port: number): Buffer {
  const six = isIPv6(address);
  const name = Buffer.alloc(six ? 28 : 16);
  name.writeUInt16LE(six ? AF_INET6 : AF_INET, 0);
  name.writeUInt16BE(port, 2);
  addressBytes(address).copy(name, six ? 8 : 4);
  return name;
}
