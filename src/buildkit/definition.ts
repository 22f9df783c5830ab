import { createHash } from 'node:crypto';
import { type DraftOf, int, many, maybe, message, one, text } from './grpc/protobuf.ts';
import type { definition } from './messages/control.ts';

/** The two operations of BuildKit's graphs (solver/pb/ops.proto) that a definition of ours consists of. */
export const sourceOp = message({ source: maybe(3, message({ identifier: one(1, text) })) });
export const lastOp = message({ inputs: many(1, message({ digest: one(1, text), index: one(2, int) })) });

const digestOf = (op: Uint8Array) => `sha256:${createHash('sha256').update(op).digest('hex')}`;

/** A definition that stands for an image: clients hand it on, unread, to another build that starts from the result. */
export function definitionOf(image: string): DraftOf<typeof definition> {
  const source = sourceOp.encode({ source: { identifier: `docker-image://${image}` } });
  const last = lastOp.encode({ inputs: [{ digest: digestOf(source), index: 0 }] });
  // Without metadata clients take a definition for none.
  return { def: [source, last], metadata: new Map([source, last].map((op) => [digestOf(op), Buffer.alloc(0)])) };
}
