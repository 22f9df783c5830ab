import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { type GrpcClient, grpcClientOver } from './grpc/client.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';

/** A client's end of a session: the services it offers to the build that it asks for. */
export interface ClientSession {
  readonly id: string;
  /** Whether it offers a method, by full path. */
  offers(path: string): boolean;
  readonly grpc: GrpcClient;
}

/** The sessions that are open, by the id their clients chose. */
export interface Sessions {
  /** Why a session with these headers cannot be. */
  refusalOf(headers: IncomingHttpHeaders): GrpcError | undefined;
  /** Keeps the connection as a session and resolves when it has ended. Throws its refusal. */
  serve(connection: Duplex, headers: IncomingHttpHeaders): Promise<void>;
  /** Waits a little for a session that is still on its way. Throws GrpcError. */
  find(id: string, signal?: AbortSignal): Promise<ClientSession>;
  closeAll(): void;
}

const waitMilliseconds = 5000;
const maxSessions = 1024;

const idIn = (headers: IncomingHttpHeaders) => String(headers['x-docker-expose-session-uuid'] ?? '');

export function createSessions(): Sessions {
  const open = new Map<string, ClientSession>();
  const waiting = new Map<string, Set<(session: ClientSession) => void>>();
  const refusalOf = (headers: IncomingHttpHeaders): GrpcError | undefined => {
    const id = idIn(headers);
    if (id === '' || id.length > 128) return new GrpcError(grpcCode.invalidArgument, 'a session needs an id');
    if (open.has(id)) return new GrpcError(grpcCode.alreadyExists, `session ${id} is open already`);
    if (open.size < maxSessions) return undefined;
    return new GrpcError(grpcCode.resourceExhausted, 'too many sessions are open');
  };
  return {
    refusalOf,
    async serve(connection, headers) {
      const refusal = refusalOf(headers);
      if (refusal) throw refusal;
      const id = idIn(headers);
      const methods = new Set(String(headers['x-docker-expose-session-grpc-method'] ?? '').split(/,\s*/));
      const session = { id, offers: (path: string) => methods.has(path), grpc: await grpcClientOver(connection) };
      const taken = refusalOf(headers);
      if (taken) {
        session.grpc.close();
        throw taken;
      }
      open.set(id, session);
      for (const tell of waiting.get(id) ?? []) tell(session);
      waiting.delete(id);
      await session.grpc.closed;
      open.delete(id);
    },
    find(id, signal) {
      const session = open.get(id);
      if (session) return Promise.resolve(session);
      return new Promise((resolve, reject) => {
        const done = (settle: () => void) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', giveUp);
          const others = waiting.get(id);
          others?.delete(found);
          if (others?.size === 0) waiting.delete(id);
          settle();
        };
        const found = (one: ClientSession) => done(() => resolve(one));
        const giveUp = () => done(() => reject(new GrpcError(grpcCode.notFound, `no active session for ${id}`)));
        const timer = setTimeout(giveUp, waitMilliseconds);
        signal?.addEventListener('abort', giveUp, { once: true });
        waiting.set(id, (waiting.get(id) ?? new Set()).add(found));
      });
    },
    closeAll() {
      for (const session of open.values()) session.grpc.close();
    },
  };
}
