import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Buildkit } from '../buildkit/buildkit.ts';
import { IechorError, messageOf } from '../common/error.ts';
import type { ActiveRequests } from './active.ts';

export type BuildkitPath = 'grpc' | 'session';

/** Whether a request asks for a connection of BuildKit's, with any version of the API before the path. */
export function buildkitPathOf({ method, url = '' }: IncomingMessage): BuildkitPath | undefined {
  const [, path] = /^(?:\/v[0-9.]+)?\/(grpc|session)(?:\?.*)?$/.exec(url) ?? [];
  return method === 'POST' ? (path as BuildkitPath | undefined) : undefined;
}

/**
 * Joins a connection to BuildKit's side, as a request under way. An upgrade that does not say `Connection: Upgrade`
 * comes as a request like any other: `take` gives the bare connection once nothing can be refused any more.
 */
export function createBuildkitJoin(load: () => Promise<Buildkit>, active: ActiveRequests) {
  return async (request: IncomingMessage, take: () => Duplex): Promise<void> => {
    const one = active.beginConnection();
    request.socket.once('close', () => one.controller.abort());
    try {
      await takeBuildkit({ request, take }, await load(), one.controller.signal);
    } finally {
      active.settle(one);
    }
  };
}

/** Answers the upgrade and hands the connection over; resolves when it has ended. */
async function takeBuildkit(
  { request, take }: { request: IncomingMessage; take(): Duplex },
  buildkit: Buildkit,
  signal: AbortSignal,
): Promise<void> {
  const path = buildkitPathOf(request);
  const asked = request.headers.upgrade ?? '';
  if (asked.toLowerCase() !== 'h2c') throw new IechorError('BAD_REQUEST', `protocol ${asked} not supported`);
  if (path === 'session') {
    const refusal = buildkit.refusalOfSession(request.headers);
    if (refusal !== undefined) throw new IechorError('BAD_REQUEST', messageOf(refusal));
  }
  const socket = take();
  socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
  await (path === 'grpc' ? buildkit.grpc(socket, signal) : buildkit.session(socket, request.headers, signal));
}
