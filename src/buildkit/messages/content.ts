/** Messages of containerd's content service (api/services/content/v1/content.proto); fields that are used. */
import { bytes, int, message, one, text } from '../grpc/protobuf.ts';

export const readBlobRequest = message({ digest: one(1, text), offset: one(2, int), size: one(3, int) });
export const readBlobReply = message({ offset: one(1, int), data: one(2, bytes) });
export const writeAction = { stat: 0, write: 1, commit: 2 } as const;
export const writeBlobRequest = message({
  action: one(1, int),
  ref: one(2, text),
  total: one(3, int),
  expected: one(4, text),
  offset: one(5, int),
  data: one(6, bytes),
});
export const writeBlobReply = message({ action: one(1, int), offset: one(4, int), digest: one(6, text) });
