/** Messages of `moby.buildkit.v1.frontend.LLBBridge` (frontend/gateway/pb/gateway.proto); fields that are used. */
import { bool, bytes, dictionary, many, maybe, message, one, text } from '../grpc/protobuf.ts';
import { rpcStatus } from '../grpc/rpc-status.ts';
import { cacheEntry, definition } from './control.ts';

const capability = message({ id: one(1, text), enabled: one(2, bool) });
export const pingReply = message({ frontendCaps: many(1, capability), llbCaps: many(2, capability) });

const ref = message({ id: one(1, text), def: maybe(2, definition) });
export const result = message({
  ref: maybe(3, ref),
  refs: maybe(4, message({ refs: dictionary(1, ref) })),
  metadata: dictionary(10, bytes),
});
export const solveRequest = message({
  definition: maybe(1, definition),
  frontend: one(2, text),
  options: dictionary(3, text),
  cacheImports: many(12, cacheEntry),
  inputs: dictionary(13, definition),
});
export const solveReply = message({ result: maybe(3, result) });
export const returnRequest = message({ result: maybe(1, result), error: maybe(2, rpcStatus) });
export const evaluateRequest = message({ ref: one(1, text) });
export const inputsReply = message({ definitions: dictionary(1, definition) });
