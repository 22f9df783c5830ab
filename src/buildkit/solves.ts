import type { MessageOf } from './grpc/protobuf.ts';
import type { rpcStatus } from './grpc/rpc-status.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import type { solveRequest } from './messages/control.ts';
import type { result } from './messages/gateway.ts';
import { createProgress, type Progress } from './progress.ts';
import { createStatusLog, type StatusLog } from './status-log.ts';

/** What a client's side of a solve came to: it hands back what it made of the engine's results. */
export type Returned =
  | { readonly result: MessageOf<typeof result> | undefined }
  | { readonly error: MessageOf<typeof rpcStatus> };

/** One solve of a connection. Its parts come as calls of their own: the solve, its progress, the frontend's. */
export interface Solve {
  readonly ref: string;
  readonly log: StatusLog;
  readonly progress: Progress;
  /** Known once the solve itself has been asked for. */
  request: MessageOf<typeof solveRequest> | undefined;
  /** Images by the names that the client got for them. */
  readonly results: Map<string, string>;
  /** What the client is told at the end, besides what became of the images. */
  readonly told: Map<string, string>;
  /** Resolves when the client returns; the solve waits for it. */
  readonly returned: Promise<Returned>;
  finish(outcome: Returned): void;
}

export interface Solves {
  /** The solve of a name, made when its first call arrives, whichever that is. */
  of(ref: string): Solve;
  /** The solve has ended. A client that asks for its progress only now still gets it. */
  ended(ref: string): void;
  endAll(): void;
}

/** Solves that one connection may have under way. */
const maxSolves = 256;
/** Ended ones that are remembered: their progress may be asked for late. */
const maxPast = 16;

export function createSolves(): Solves {
  const all = new Map<string, Solve>();
  const past: string[] = [];
  return {
    of(ref) {
      const known = all.get(ref);
      if (known) return known;
      if (ref === '' || ref.length > 128) throw new GrpcError(grpcCode.invalidArgument, 'a build needs a reference');
      if (all.size >= maxSolves) throw new GrpcError(grpcCode.resourceExhausted, 'too many builds on one connection');
      const made = createSolve(ref);
      all.set(ref, made);
      return made;
    },
    ended(ref) {
      all.get(ref)?.log.end();
      past.push(ref);
      if (past.length > maxPast) all.delete(past.shift() ?? '');
    },
    endAll() {
      for (const { log } of all.values()) log.end();
      all.clear();
    },
  };
}

function createSolve(ref: string): Solve {
  const log = createStatusLog();
  const { promise: returned, resolve: finish } = Promise.withResolvers<Returned>();
  return {
    ref,
    log,
    progress: createProgress(ref, log),
    request: undefined,
    results: new Map(),
    told: new Map(),
    returned,
    finish,
  };
}
