import type { BuildClient } from '../api/session-build.ts';
import { contentOf } from './client-content.ts';
import { byteStreamOver, bytesMessage } from './grpc/byte-stream.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import { empty } from './messages/control.ts';
import { agentRequest, credentialsReply, credentialsRequest, secretReply, secretRequest } from './messages/session.ts';
import type { ClientSession } from './sessions.ts';

/** What steps ask of a client while they run, by the services of its session. */
export function clientOf(session: ClientSession): BuildClient {
  const { grpc } = session;
  return {
    secret: (id) => {
      const path = '/moby.buildkit.secrets.v1.Secrets/GetSecret';
      return ifThere(async () => {
        return (await grpc.call({ path, request: secretRequest, reply: secretReply, value: { id } })).data;
      });
    },
    login: (registry) =>
      ifThere(async () => {
        const path = '/moby.filesync.v1.Auth/Credentials';
        const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
        const { username, secret } = await grpc.call({
          path,
          request: credentialsRequest,
          reply: credentialsReply,
          value: { host },
        });
        if (secret === '') return undefined;
        return username === '' ? { identitytoken: secret } : { username, password: secret };
      }),
    content: (store) => contentOf(session, store),
    agent: (id) =>
      ifThere(async () => {
        const path = '/moby.sshforward.v1.SSH/CheckAgent';
        await grpc.call({ path, request: agentRequest, reply: empty, value: { id } });
        return () =>
          byteStreamOver(
            grpc.open({
              path: '/moby.sshforward.v1.SSH/ForwardAgent',
              sends: bytesMessage,
              receives: bytesMessage,
              headers: { 'buildkit.ssh.id': id },
            }),
          );
      }),
  };
}

/** Undefined where the client offers no such service, or has nothing by that name. */
async function ifThere<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof GrpcError && isAbsence(error)) return undefined;
    throw error;
  }
}

const isAbsence = ({ status, message }: GrpcError) =>
  status === grpcCode.notFound || status === grpcCode.unimplemented || /^(unset ssh forward key|no ssh )/.test(message);
