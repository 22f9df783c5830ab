import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { closeSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import { errnoOf, openSocket } from '../host/netns-sockets.ts';
import { nft } from '../host/nft.ts';
import { frameTcp, splitTcp } from './dns-forward.ts';
import type { DnsFailure } from './dns-protocol.ts';
import type { DnsSandbox, Zone } from './dns-zone.ts';
import { renderResolverRedirect } from './nft-rules.ts';
import { createPortHolds, holdKey, type PortHold } from './port-holds.ts';
import { resolverAddress } from './resolv-conf.ts';

export type Answering = (
  sandboxId: string,
  message: Buffer,
  transport: 'udp' | 'tcp',
) => Promise<Buffer | undefined> | Buffer | undefined;

/** What stands in the kernel for the containers: sockets in their namespaces, held ports on the host. */
export interface Listeners {
  /** Makes what a container needs and puts it into the zone; nothing changes where it fails. Idempotent. */
  set(sandbox: DnsSandbox): DnsFailure | undefined;
  /** Idempotent. */
  remove(id: string): void;
  replace(sandboxes: readonly DnsSandbox[]): readonly DnsFailure[];
}

interface Standing {
  /** Which namespace the sockets are in. */
  readonly inode: number;
  close(): void;
}
const tcpIdleMs = 10_000;
const maxTcpConnections = 64;

export function createListeners(zone: Zone, options: { answer: Answering; log: Log }): Listeners {
  const standing = new Map<string, Standing>();
  const held = new Map<string, ReadonlyMap<string, PortHold>>();
  const holds = createPortHolds(options.log);
  const remove = (id: string) => {
    zone.remove(id);
    standing.get(id)?.close();
    standing.delete(id);
    for (const hold of held.get(id)?.values() ?? []) holds.release(id, hold);
    held.delete(id);
  };
  const set = (sandbox: DnsSandbox): DnsFailure | undefined => {
    const { id, serving = 'ready' } = sandbox;
    const before = held.get(id) ?? new Map<string, PortHold>();
    const after = new Map<string, PortHold>();
    const releaseBut = (kept: ReadonlyMap<string, PortHold>, all: ReadonlyMap<string, PortHold>) => {
      for (const [key, hold] of all) if (!kept.has(key)) holds.release(id, hold);
    };
    let hold: PortHold | undefined;
    try {
      for (hold of sandbox.holds) {
        holds.take({ id, serving }, hold);
        after.set(holdKey(hold), hold);
      }
      hold = undefined;
      listen(sandbox);
    } catch (error) {
      releaseBut(before, after);
      const errno = errnoOf(error);
      return { id, message: messageOf(error), ...(hold ? { hold } : {}), ...(errno ? { errno } : {}) };
    }
    releaseBut(after, before);
    held.set(id, after);
    zone.set(sandbox);
    return undefined;
  };
  const listen = (sandbox: DnsSandbox) => {
    const old = standing.get(sandbox.id);
    if (sandbox.endpoints.length === 0) {
      old?.close();
      standing.delete(sandbox.id);
      return;
    }
    const inode = statSync(sandbox.netns).ino;
    if (old?.inode === inode) return;
    old?.close();
    standing.delete(sandbox.id);
    standing.set(sandbox.id, { inode, close: listenInside(sandbox, options) });
  };
  return {
    set,
    remove,
    replace: (sandboxes) => {
      const wanted = new Set(sandboxes.map((sandbox) => sandbox.id));
      for (const { id } of zone.all()) if (!wanted.has(id)) remove(id);
      return sandboxes.flatMap((sandbox) => set(sandbox) ?? []);
    },
  };
}

/** Sockets in the container's namespace and the rule that leads port 53 to them; returns how to close them. */
function listenInside(sandbox: DnsSandbox, options: { answer: Answering; log: Log }): () => void {
  const { netns, id } = sandbox;
  const at = { address: resolverAddress, port: 0 };
  const udpSocket = openSocket('udp', at, { netns });
  let tcpSocket: { fd: number; port: number } | undefined;
  try {
    tcpSocket = openSocket('tcp', at, { netns, listen: true });
    redirect(netns, { udp: udpSocket.port, tcp: tcpSocket.port });
  } catch (error) {
    closeSync(udpSocket.fd);
    if (tcpSocket) closeSync(tcpSocket.fd);
    throw error;
  }
  const failed = (error: Error) => options.log.warn('resolver socket', { container: id, error: error.message });
  const udp = adoptUdp(udpSocket.fd, { id, answer: options.answer, failed });
  const { server, connections } = adoptTcp(tcpSocket.fd, { id, answer: options.answer, failed });
  return () => {
    udp.close();
    server.close();
    for (const connection of connections) connection.destroy();
  };
}

function redirect(netns: string, ports: { udp: number; tcp: number }): void {
  try {
    nft(renderResolverRedirect('create', resolverAddress, ports), netns);
  } catch {
    // There from a former resolver process; whatever else is wrong shows here as well.
    nft(renderResolverRedirect('replace', resolverAddress, ports), netns);
  }
}

interface Adopting {
  readonly id: string;
  readonly answer: Answering;
  failed(error: Error): void;
}

function adoptUdp(fd: number, { id, answer, failed }: Adopting): UdpSocket {
  const socket = createSocket('udp4');
  let closed = false;
  socket.on('close', () => {
    closed = true;
  });
  socket.on('error', failed);
  socket.on('message', async (message: Buffer, from) => {
    try {
      const reply = await answer(id, message, 'udp');
      if (reply && !closed) socket.send(reply, from.port, from.address);
    } catch (error) {
      failed(error as Error);
    }
  });
  socket.bind({ fd });
  return socket;
}

function adoptTcp(fd: number, { id, answer, failed }: Adopting): { server: Server; connections: Set<Socket> } {
  const connections = new Set<Socket>();
  const server = createServer((connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', () => connection.destroy());
    connection.setTimeout(tcpIdleMs, () => connection.destroy());
    let pending = Buffer.alloc(0);
    let turn = Promise.resolve();
    connection.on('data', (data: Buffer) => {
      const { messages, rest } = splitTcp(Buffer.concat([pending, data]));
      pending = Buffer.from(rest);
      for (const message of messages) {
        turn = turn.then(async () => {
          const reply = await answer(id, message, 'tcp');
          if (reply && connection.writable) connection.write(frameTcp(reply));
        });
        turn.catch((error: Error) => {
          failed(error);
          connection.destroy();
        });
      }
    });
  });
  server.maxConnections = maxTcpConnections;
  server.on('error', failed);
  server.listen({ fd });
  return { server, connections };
}
