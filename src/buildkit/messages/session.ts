/** Messages of the services that a client offers over its session (session/, tonistiigi/fsutil types). */
import { bytes, dictionary, int, long, maybe, message, one, text } from '../grpc/protobuf.ts';

export { bytesMessage } from '../grpc/byte-stream.ts';

/** `fsutil.types.Stat`. `mode` is Go's os.FileMode, `modTime` nanoseconds since the epoch. */
export const stat = message({
  path: one(1, text),
  mode: one(2, int),
  uid: one(3, int),
  gid: one(4, int),
  size: one(5, int),
  modTime: one(6, long),
  linkname: one(7, text),
  devmajor: one(8, int),
  devminor: one(9, int),
  xattrs: dictionary(10, bytes),
});
export const packetType = { stat: 0, request: 1, data: 2, finish: 3, error: 4 } as const;
export const packet = message({ type: one(1, int), stat: maybe(2, stat), id: one(3, int), data: one(4, bytes) });

export const secretRequest = message({ id: one(1, text) });
export const secretReply = message({ data: one(1, bytes) });
export const agentRequest = message({ id: one(1, text) });
export const credentialsRequest = message({ host: one(1, text) });
export const credentialsReply = message({ username: one(1, text), secret: one(2, text) });
