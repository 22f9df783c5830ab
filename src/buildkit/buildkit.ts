import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EngineApi } from '../api/engine-api.ts';
import { asGrpcError } from './build-errors.ts';
import { controlMethods } from './control.ts';
import { gatewayMethods } from './gateway.ts';
import { serveGrpc } from './grpc/server.ts';
import { createSessions } from './sessions.ts';
import type { BuildEngine } from './solve.ts';
import { createSolves } from './solves.ts';
import { type BuildCall, type TraceLine, tracedBuild } from './traced-build.ts';

/** The BuildKit side of a daemon: what `POST /grpc` and `POST /session` become after their upgrade. */
export interface Buildkit {
  /** Serves BuildKit's API on the connection until that ends; the builds it began end with it. */
  grpc(connection: Duplex, signal: AbortSignal): Promise<void>;
  /** Why a session cannot be; to be asked before its connection is taken. */
  refusalOfSession(headers: IncomingHttpHeaders): Error | undefined;
  /** Keeps the connection as the session of a client until it ends. */
  session(connection: Duplex, headers: IncomingHttpHeaders, signal: AbortSignal): Promise<void>;
  /** Builds what a request without a session brought, and tells of it in BuildKit's terms. */
  build(request: BuildCall): AsyncIterable<TraceLine>;
}

export function createBuildkit(engine: BuildEngine & Pick<EngineApi, 'imageBuild'>): Buildkit {
  const sessions = createSessions();
  return {
    async grpc(connection, signal) {
      const solves = createSolves();
      const serving = { engine, sessions, solves };
      const methods = { ...controlMethods(serving), ...gatewayMethods(serving) };
      try {
        await serveGrpc(connection, { methods, asGrpcError, signal });
      } finally {
        solves.endAll();
      }
    },
    refusalOfSession: sessions.refusalOf,
    session: (connection, headers, signal) => {
      signal.addEventListener('abort', () => connection.destroy(), { once: true });
      return sessions.serve(connection, headers);
    },
    build: (request) => tracedBuild(engine, request),
  };
}
