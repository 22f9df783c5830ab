import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6, Socket } from 'node:net';
import { openSocket } from '../host/netns-sockets.ts';
import type { DnsCache } from './dns-cache.ts';
import { questionEnd, rcode, renderError } from './dns-message.ts';

/** A name server; with a namespace, it is asked from there. */
export interface Upstream {
  readonly address: string;
  readonly netns?: string;
  /** Default 53. */
  readonly port?: number;
}

const nextServerMs = 1000;
const deadlineMs = 4500;
const maxInFlight = 1024;
const maxTcpBytes = 65535;

export interface Forwarder {
  /** The upstreams' answer under the query's own id; SERVFAIL where there is none. Never rejects. */
  forward(query: Buffer, upstreams: readonly Upstream[], transport: 'udp' | 'tcp'): Promise<Buffer | undefined>;
}

/**
 * Asks name servers: the first, and a further one whenever there was no good answer for a second or a bad one came.
 * The first good answer wins. Every query has a port and an id of its own, so that answers are hard to forge.
 */
export function createForwarder(cache: DnsCache): Forwarder {
  const inFlight = new Map<string, Promise<Buffer | undefined>>();
  return {
    forward: async (query, upstreams, transport) => {
      const end = questionEnd(query);
      if (end === undefined) return renderError(query, rcode.formatError);
      const key = `${transport} ${upstreams.map(show).join(' ')} ${query.toString('latin1', 2)}`;
      const known = cache.get(key) ?? inFlight.get(key);
      if (known) return withId(await known, query);
      if (upstreams.length === 0 || inFlight.size >= maxInFlight) return renderError(query, rcode.serverFailure);
      const asked = race(query, end, { upstreams, transport }).catch(() => undefined);
      inFlight.set(key, asked);
      const answer = await asked.finally(() => inFlight.delete(key));
      if (!answer) return renderError(query, rcode.serverFailure);
      cache.put(key, answer);
      return withId(answer, query);
    },
  };
}

function show(upstream: Upstream): string {
  return `${upstream.address}#${upstream.port ?? 53}${upstream.netns ? `@${upstream.netns}` : ''}`;
}

function withId(answer: Buffer | undefined, query: Buffer): Buffer | undefined {
  if (!answer) return renderError(query, rcode.serverFailure);
  const own = Buffer.from(answer);
  query.copy(own, 0, 0, 2);
  return own;
}

/** Each server twice, as a datagram may be lost. */
function race(
  query: Buffer,
  end: number,
  how: { upstreams: readonly Upstream[]; transport: 'udp' | 'tcp' },
): Promise<Buffer | undefined> {
  const line = how.transport === 'udp' ? [...how.upstreams, ...how.upstreams] : [...how.upstreams];
  const stop = new AbortController();
  return new Promise((resolve) => {
    let open = 0;
    let poor: Buffer | undefined;
    let timer: NodeJS.Timeout | undefined;
    const settle = (answer: Buffer | undefined) => {
      clearTimeout(timer);
      clearTimeout(deadline);
      resolve(answer);
      stop.abort();
    };
    const next = () => {
      clearTimeout(timer);
      const upstream = stop.signal.aborted ? undefined : line.shift();
      if (!upstream) {
        if (open === 0) settle(poor);
        return;
      }
      open += 1;
      timer = setTimeout(next, nextServerMs);
      const ask = how.transport === 'udp' ? askByUdp : askByTcp;
      ask(query, end, { upstream, signal: stop.signal }).then(
        (answer) => {
          open -= 1;
          if (isGood(answer)) return settle(answer);
          poor = answer;
          next();
        },
        () => {
          open -= 1;
          next();
        },
      );
    };
    const deadline = setTimeout(() => settle(poor), deadlineMs);
    next();
  });
}

function isGood(answer: Buffer): boolean {
  const code = answer.readUInt8(3) & 0xf;
  return code !== rcode.serverFailure && code !== rcode.refused && code !== rcode.notImplemented;
}

interface Target {
  readonly upstream: Upstream;
  readonly signal: AbortSignal;
}

function askByUdp(query: Buffer, end: number, { upstream, signal }: Target): Promise<Buffer> {
  const { address, netns, port = 53 } = upstream;
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const own = Buffer.from(query);
  own.writeUInt16BE(randomInt(65536), 0);
  return new Promise<Buffer>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    socket.on('error', reject);
    socket.on('message', (answer: Buffer) => {
      if (answers(answer, own, end)) resolve(answer);
    });
    // A destination without a route is told to the callback, though its type does not say so.
    const sent = (error?: Error) => (error ? reject(error) : socket.send(own));
    const connect = () => socket.connect(port, address, sent);
    if (netns === undefined) return connect();
    socket.bind(
      { fd: openSocket('udp', { address: isIPv6(address) ? '::' : '0.0.0.0', port: 0 }, { netns }).fd },
      connect,
    );
  }).finally(() => socket.close());
}

function askByTcp(query: Buffer, end: number, { upstream, signal }: Target): Promise<Buffer> {
  const { address, netns, port = 53 } = upstream;
  const any = { address: isIPv6(address) ? '::' : '0.0.0.0', port: 0 };
  const socket = netns === undefined ? new Socket() : new Socket({ fd: openSocket('tcp', any, { netns }).fd });
  const own = Buffer.from(query);
  own.writeUInt16BE(randomInt(65536), 0);
  return new Promise<Buffer>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    let received = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed')));
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data]);
      const [answer] = splitTcp(received).messages;
      if (answer && answers(answer, own, end)) resolve(answer);
      else if (received.length > maxTcpBytes + 2) reject(new Error('too long'));
    });
    socket.connect(port, address, () => socket.write(frameTcp(own)));
  }).finally(() => socket.destroy());
}

/** An answer has the query's id and question (the letters' case included). */
function answers(answer: Buffer, query: Buffer, end: number): boolean {
  return (
    answer.length >= end &&
    answer.readUInt16BE(0) === query.readUInt16BE(0) &&
    (answer.readUInt8(2) & 0x80) !== 0 &&
    answer.subarray(12, end).equals(query.subarray(12, end))
  );
}

/** A message as it goes over TCP, after its length. */
export function frameTcp(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Whole messages of a TCP stream, and the bytes that are left. */
export function splitTcp(data: Buffer): { messages: readonly Buffer[]; rest: Buffer } {
  const messages: Buffer[] = [];
  let at = 0;
  while (at + 2 <= data.length) {
    const end = at + 2 + data.readUInt16BE(at);
    if (end > data.length) break;
    messages.push(data.subarray(at + 2, end));
    at = end;
  }
  return { messages, rest: data.subarray(at) };
}
