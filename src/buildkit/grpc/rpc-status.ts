import { bytes, int, many, message, one, text } from './protobuf.ts';

/** `google.rpc.Status`: an error as a message. */
export const rpcStatus = message({
  code: one(1, int),
  message: one(2, text),
  details: many(3, message({ typeUrl: one(1, text), value: one(2, bytes) })),
});
