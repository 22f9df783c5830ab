import { createSocket } from 'node:dgram';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, encode, type RecordType } from 'dns-packet';
import { silentLog } from '../../../src/common/log.ts';
import type { ObjectStore } from '../../../src/common/object-store.ts';
import { native } from '../../../src/host/libc.ts';
import { withNetlink } from '../../../src/host/netlink.ts';
import { setLink } from '../../../src/host/netlink-links.ts';
import { createNetns, removeNetns } from '../../../src/host/netns.ts';
import { openSocket } from '../../../src/host/netns-sockets.ts';
import { createNetworks } from '../../../src/network/networks.ts';
import type { Networks } from '../../../src/network/types.ts';

/** A store in memory, with every change in a file where one is named, so that another process can go on with it. */
export function memoryStore(file?: string): ObjectStore {
  type Row = { kind: string; id: string; document: unknown; unique: readonly string[] };
  const load = (): Row[] => JSON.parse(readFileSync(file ?? '', 'utf8')) as Row[];
  const rows = new Map<string, Row>();
  try {
    for (const row of file ? load() : []) rows.set(`${row.kind}/${row.id}`, row);
  } catch {
    // The first to use the file.
  }
  const save = () => file && writeFileSync(file, JSON.stringify([...rows.values()]));
  const owner = (key: string) => [...rows.values()].find((row) => row.unique.includes(key))?.id;
  return {
    get: <T>(kind: string, id: string) => rows.get(`${kind}/${id}`)?.document as T | undefined,
    list: <T>(kind: string) => [...rows.values()].filter((row) => row.kind === kind).map((row) => row.document as T),
    put: (kind, id, document, unique = []) => {
      for (const key of unique) {
        const other = owner(key);
        if (other !== undefined && other !== id) throw new Error(`${key} belongs to ${other}`);
      }
      rows.set(`${kind}/${id}`, { kind, id, document, unique });
      save();
    },
    delete: (kind, id) => {
      rows.delete(`${kind}/${id}`);
      save();
    },
    owner,
    transaction: (body) => body(),
    durable: async () => {},
    compact: () => {},
    close: () => {},
  };
}

/** What `Networks.create` is asked for a network without peculiarities. */
export const bridgeRequest = (name: string): Parameters<Networks['create']>[0] => ({
  name,
  driver: 'bridge',
  internal: false,
  attachable: false,
  enableIPv6: false,
  pools: [],
  labels: {},
  options: {},
  ipamOptions: {},
});

const setns = native('int setns(int fd, int type)');
const CLONE_NEWNET = 0x40000000;

export interface PrivateHost {
  /** A directory of its own, deleted by `leave`. */
  readonly directory: string;
  leave(): void;
}

/** Moves this thread into a new network namespace that plays the host, so that nothing of the machine changes. */
export function enterPrivateHost(): PrivateHost {
  const directory = mkdtempSync(join(tmpdir(), 'iechor-net-'));
  const path = join(directory, 'host-netns');
  createNetns(path);
  const home = openSync('/proc/thread-self/ns/net', 'r');
  go(path);
  return {
    directory,
    leave: () => {
      if (setns(home, CLONE_NEWNET) < 0) process.abort();
      closeSync(home);
      removeNetns(path);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A private host with its loopback device up, and networks of its own. */
export async function openPrivateNetworks(scope: string): Promise<{ host: PrivateHost; networks: Networks }> {
  const host = enterPrivateHost();
  withNetlink(undefined, (netlink) => netlink.send(setLink('lo', { up: true })));
  const roots = { dataRoot: host.directory, execRoot: join(host.directory, 'run'), scope };
  return { host, networks: await createNetworks({ store: memoryStore(), roots, log: silentLog }) };
}

function go(path: string): void {
  const fd = openSync(path, 'r');
  if (setns(fd, CLONE_NEWNET) < 0) throw new Error(`cannot enter ${path}`);
  closeSync(fd);
}

/** Asks the resolver of a namespace; resolves with the answers' data, or the name of the error. */
export function ask(
  netns: string,
  name: string,
  type: RecordType = 'A',
  timeoutMs = 30_000,
): Promise<readonly string[] | string> {
  const socket = createSocket('udp4');
  const query = encode({ type: 'query', id: 7, flags: 0x100, questions: [{ name, type }] });
  return new Promise<readonly string[] | string>((resolve) => {
    const timer = setTimeout(() => resolve('TIMEOUT'), timeoutMs);
    // Nobody listens: while the resolver is being replaced.
    socket.on('error', () => resolve('REFUSED'));
    socket.on('message', (message: Buffer) => {
      clearTimeout(timer);
      const { answers = [], rcode } = decode(message) as ReturnType<typeof decode> & { rcode: string };
      const data = answers.flatMap((answer) => ('data' in answer ? [String(answer.data)] : []));
      resolve(rcode === 'NOERROR' ? data : rcode);
    });
    socket.bind({ fd: openSocket('udp', { address: '0.0.0.0', port: 0 }, { netns }).fd }, () =>
      socket.send(query, 53, '127.0.0.11'),
    );
  }).finally(() => socket.close());
}

/** As ask, over TCP. */
export function askByTcp(netns: string, name: string): Promise<readonly string[]> {
  const { fd } = openSocket('tcp', { address: '0.0.0.0', port: 0 }, { netns });
  const socket = new Socket({ fd });
  const query = encode({ type: 'query', id: 7, flags: 0x100, questions: [{ name, type: 'A' }] });
  return new Promise<readonly string[]>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (data: Buffer) => {
      const { answers = [] } = decode(data.subarray(2));
      resolve(answers.flatMap((answer) => ('data' in answer ? [String(answer.data)] : [])));
    });
    socket.connect(53, '127.0.0.11', () => socket.write(Buffer.concat([Buffer.from([0, query.length]), query])));
  }).finally(() => socket.destroy());
}

/** A name server inside a namespace that has one answer. */
export function serveNames(netns: string, port: number, address: string): () => void {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const query = decode(message);
    const name = query.questions?.[0]?.name ?? '';
    const reply = {
      ...query,
      type: 'response' as const,
      answers: [{ type: 'A' as const, name, ttl: 1, data: address }],
    };
    socket.send(encode(reply), from.port, from.address);
  });
  socket.bind({ fd: openSocket('udp', { address: '127.0.0.1', port }, { netns }).fd });
  return () => socket.close();
}

/** A server inside a namespace that greets every connection. */
export function greet(netns: string, port: number, words: string, address = '0.0.0.0'): Server {
  const server = createServer((connection) => {
    connection.on('error', () => {});
    // Its other end may go with a namespace, without a word.
    connection.unref();
    connection.end(`${words} ${connection.remoteAddress}`);
  });
  return server.listen({ fd: openSocket('tcp', { address, port }, { netns, listen: true }).fd });
}

/** How long one waits for what may never come. */
export const aMoment = 1500;

/** What a server says to a client in a namespace (none: the host); the error's code where it does not. */
export function hear(netns: string | undefined, address: string, port: number, timeoutMs = 30_000): Promise<string> {
  const any = { address: address.includes(':') ? '::' : '0.0.0.0', port: 0 };
  const { fd } = openSocket('tcp', any, netns === undefined ? {} : { netns });
  const socket = new Socket({ fd });
  return new Promise<string>((resolve) => {
    let heard = '';
    socket.setTimeout(timeoutMs, () => resolve('TIMEOUT'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'ERROR'));
    socket.on('data', (data) => {
      heard += data.toString();
    });
    socket.on('end', () => resolve(heard));
    socket.connect(port, address);
  }).finally(() => socket.destroy());
}

/** Answers each datagram inside a namespace; returns how to stop. */
export function echoUdp(netns: string, port: number, words = 'echo'): () => void {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => socket.send(`${words} ${message}`, from.port, from.address));
  socket.bind({ fd: openSocket('udp', { address: '0.0.0.0', port }, { netns }).fd });
  return () => socket.close();
}

export function hearUdp(netns: string | undefined, address: string, port: number): Promise<string> {
  const six = address.includes(':');
  const socket = createSocket(six ? 'udp6' : 'udp4');
  return new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => resolve('TIMEOUT'), 30_000);
    socket.on('error', reject);
    socket.on('message', (message) => {
      clearTimeout(timer);
      resolve(message.toString());
    });
    const any = { address: six ? '::' : '0.0.0.0', port: 0 };
    const { fd } = openSocket('udp', any, netns === undefined ? {} : { netns });
    socket.bind({ fd }, () => socket.send('hello', port, address));
  }).finally(() => socket.close());
}

/** Waits until a condition holds. */
export async function eventually(holds: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`never came true: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
