import { createHash } from 'node:crypto';
import { int, many, maybe, message, one, text } from './grpc/protobuf.ts';

/** The two operations of BuildKit's graphs (solver/pb/ops.proto) that a definition of ours consists of. */
export const sourceOp = message({ source: maybe(3, message({ identifier: one(1, text) })) });
export const lastOp = message({ inputs: many(1, message({ digest: one(1, text), index: one(2, int) })) });

/** A definition that stands for an image: clients hand it on, unread, to another build that starts from the result. */
export function definitionOf(image: string): { readonly def: readonly Uint8Array[] } {
  const source = sourceOp.encode({ source: { identifier: `docker-image://${image}` } });
  const digest = `sha256:${createHash('sha256').update(source).digest('hex')}`;
  return { def: [source, lastOp.encode({ inputs: [{ digest, index: 0 }] })] };
}
