import type { Socket as UdpSocket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { connect, createServer, isIPv6, type Socket } from 'node:net';

/**
 * Leads what comes to a port of the host to a container through this process: for the addresses from which the
 * kernel's rules cannot, as those of IPv6 to a container that has IPv4 only.
 */

/** Where a container listens. */
export interface RelayTarget {
  readonly address: string;
  readonly port: number;
}
/** A container that has the port. */
export interface RelayMember {
  readonly id: string;
  readonly target: RelayTarget;
}
export interface Relay {
  /** Ends what goes through it to one container. */
  leave(id: string): void;
  /** Ends everything, and gives the port back. */
  close(): void;
}
interface Relaying {
  /** Who may have the next connection, the first before the others. */
  next(): readonly RelayMember[];
  failed(error: Error): void;
}

const maxConnections = 8192;
const maxFlows = 1024;
const maxEarly = 16;
const flowIdleMs = 90_000;
const keepAliveMs = 15_000;
const patience = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs };

/** Adopts a listening socket. A side that is slow, or ends its half, is that to the other side, too. */
export function relayTcp(fd: number, { next, failed }: Relaying): Relay {
  const connections = new Map<Socket, string>();
  const server = createServer({ ...patience, pauseOnConnect: true }, (client) => {
    client.on('error', () => client.destroy());
    client.on('close', () => connections.delete(client));
    connections.set(client, '');
    dial(client, next(), (id) => connections.set(client, id));
  });
  server.maxConnections = maxConnections;
  server.on('error', failed);
  server.listen({ fd });
  const end = (fits: (id: string) => boolean) => {
    for (const [client, id] of connections) if (fits(id)) client.resetAndDestroy();
  };
  return {
    leave: (id) => end((one) => one === id),
    close: () => {
      server.close();
      end(() => true);
    },
  };
}

/** Joins a client with the first of the members that takes it; none does: the client is reset. */
function dial(client: Socket, [member, ...others]: readonly RelayMember[], chosen: (id: string) => void): void {
  if (!member) {
    client.resetAndDestroy();
    return;
  }
  const { address: host, port } = member.target;
  const upstream = connect({ ...patience, host, port });
  const giveUp = () => upstream.destroy();
  const refused = () => {
    client.off('close', giveUp);
    if (!client.destroyed) dial(client, others, chosen);
  };
  client.once('close', giveUp);
  upstream.once('error', refused);
  upstream.once('connect', () => {
    client.off('close', giveUp);
    upstream.off('error', refused);
    upstream.on('error', () => upstream.destroy());
    chosen(member.id);
    endTogether(client, upstream);
    endTogether(upstream, client);
    client.pipe(upstream);
    upstream.pipe(client);
  });
}

/** A side that breaks off takes the other along; one that ended in order leaves it time to. */
function endTogether(one: Socket, other: Socket): void {
  one.on('close', (broken) => {
    if (broken || !other.writableEnded || !other.readableEnded) other.resetAndDestroy();
  });
}

interface Flow {
  readonly id: string;
  readonly target: RelayTarget;
  readonly upstream: UdpSocket;
  readonly idle: NodeJS.Timeout;
  /** What came before its socket was ready; undefined from then on. */
  early: Buffer[] | undefined;
}

/** Adopts a bound socket. Each client has a flow of its own, which ends after a while without datagrams. */
export function relayUdp(fd: number, { next, failed }: Relaying): Relay {
  const socket = createSocket('udp6');
  const flows = new Map<string, Flow>();
  let closed = false;
  const end = (key: string) => {
    const flow = flows.get(key);
    if (!flow) return;
    flows.delete(key);
    clearTimeout(flow.idle);
    flow.upstream.close();
  };
  const begin = (key: string, client: { address: string; port: number }, { id, target }: RelayMember): Flow => {
    const [oldest] = flows.keys();
    if (oldest !== undefined && flows.size >= maxFlows) end(oldest);
    const upstream = createSocket(isIPv6(target.address) ? 'udp6' : 'udp4');
    const idle = setTimeout(() => end(key), flowIdleMs).unref();
    const flow: Flow = { id, target, upstream, idle, early: [] };
    upstream.on('error', () => flows.get(key) === flow && end(key));
    upstream.on('message', (reply) => {
      idle.refresh();
      if (!closed) socket.send(reply, client.port, client.address, lost);
    });
    upstream.on('connect', () => {
      for (const message of flow.early ?? []) upstream.send(message, lost);
      flow.early = undefined;
    });
    upstream.connect(target.port, target.address);
    flows.set(key, flow);
    return flow;
  };
  socket.on('error', failed);
  socket.on('message', (message, client) => {
    const key = `${client.address} ${client.port}`;
    const members = next();
    const [first] = members;
    const known = flows.get(key);
    if (known && !members.some(({ target }) => sameTarget(target, known.target))) end(key);
    const flow = flows.get(key) ?? (first && begin(key, client, first));
    if (!flow) return;
    flow.idle.refresh();
    if (!flow.early) flow.upstream.send(message, lost);
    else if (flow.early.length < maxEarly) flow.early.push(message);
  });
  socket.bind({ fd });
  return {
    leave: (id) => {
      for (const [key, flow] of flows) if (flow.id === id) end(key);
    },
    close: () => {
      closed = true;
      for (const key of flows.keys()) end(key);
      socket.close();
    },
  };
}

/** A datagram that cannot be sent is one of those that get lost. */
const lost = (): void => undefined;

const sameTarget = (a: RelayTarget, b: RelayTarget): boolean => a.address === b.address && a.port === b.port;
