import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Buildkit } from '../buildkit/buildkit.ts';
import { IechorError, messageOf } from '../common/error.ts';

export type BuildkitPath = 'grpc' | 'session';

/** Whether a request asks for a connection of BuildKit's, with any version of the API before the path. */
export function buildkitPathOf({ method, url = '' }: IncomingMessage): BuildkitPath | undefined {
  const [, path] = /^(?:\/v[0-9.]+)?\/(grpc|session)(?:\?.*)?$/.exec(url) ?? [];
  return method === 'POST' ? (path as BuildkitPath | undefined) : undefined;
}

/** Answers the upgrade and hands the connection to BuildKit's side; resolves when it has ended. */
export async function takeBuildkit(
  path: BuildkitPath,
  { request, socket }: { request: IncomingMessage; socket: Duplex },
  { buildkit, signal }: { buildkit: Buildkit; signal: AbortSignal },
): Promise<void> {
  const asked = request.headers.upgrade ?? '';
  if (asked.toLowerCase() !== 'h2c') throw new IechorError('BAD_REQUEST', `protocol ${asked} not supported`);
  if (path === 'session') {
    const refusal = buildkit.refusalOfSession(request.headers);
    if (refusal !== undefined) throw new IechorError('BAD_REQUEST', messageOf(refusal));
  }
  socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
  await (path === 'grpc' ? buildkit.grpc(socket, signal) : buildkit.session(socket, request.headers, signal));
}
