import { Readable } from 'node:stream';
import type { ClientContent } from '../api/session-build.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import { readBlobReply, readBlobRequest, writeAction, writeBlobReply, writeBlobRequest } from './messages/content.ts';
import type { ClientSession } from './sessions.ts';

const service = '/containerd.services.content.v1.Content';
const pieceBytes = 512 * 1024;

/** A store of content that a client serves over its session (containerd's content API), by the name it gave it. */
export function contentOf({ grpc }: ClientSession, store: string): ClientContent {
  const headers = { 'buildkit-attachable-store-id': store };
  return {
    read(digest) {
      const read = async function* () {
        const path = `${service}/Read`;
        const channel = grpc.open({ path, sends: readBlobRequest, receives: readBlobReply, headers });
        try {
          await channel.send({ digest });
          channel.end();
          for await (const { data } of channel.received) yield Buffer.from(data);
        } finally {
          channel.cancel();
        }
      };
      return Readable.from(read(), { objectMode: false });
    },
    async write({ digest, size }, open) {
      const path = `${service}/Write`;
      const channel = grpc.open({ path, sends: writeBlobRequest, receives: writeBlobReply, headers });
      const answers = channel.received[Symbol.asyncIterator]();
      const blob = { ref: `iechor-${digest}`, total: size, expected: digest };
      const ask = async (message: { action: number; offset?: number; data?: Uint8Array }) => {
        await channel.send({ ...blob, ...message });
        if ((await answers.next()).done) throw new GrpcError(grpcCode.unknown, 'the client broke off');
      };
      try {
        await ask({ action: writeAction.stat });
        let offset = 0;
        for await (const chunk of (await open()) as AsyncIterable<Buffer>) {
          for (let at = 0; at < chunk.length; at += pieceBytes) {
            const data = chunk.subarray(at, at + pieceBytes);
            await ask({ action: writeAction.write, offset, data });
            offset += data.length;
          }
        }
        await ask({ action: writeAction.commit, offset });
      } catch (error) {
        if (!(error instanceof GrpcError) || error.status !== grpcCode.alreadyExists) throw error;
      } finally {
        channel.cancel();
      }
    },
  };
}
