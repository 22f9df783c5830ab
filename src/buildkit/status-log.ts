import type { DraftOf } from './grpc/protobuf.ts';
import type { statusReply } from './messages/control.ts';

export type StatusReply = DraftOf<typeof statusReply>;

/** Output that waits for a client that does not read; what comes on top is left out. */
const maxWaitingBytes = 8 << 20;

/** What one build tells of itself, for the one client that reads it. Kept until it is read, in bounded memory. */
export interface StatusLog {
  push(reply: StatusReply): void;
  /** No more will come. Idempotent. */
  end(): void;
  /** From the beginning to the end of the build. Throws where someone reads already. */
  read(signal: AbortSignal): AsyncGenerator<StatusReply>;
}

export function createStatusLog(): StatusLog {
  let waiting: StatusReply[] = [];
  let waitingBytes = 0;
  let clipped = false;
  let ended = false;
  let taken = false;
  let wake = () => {};
  async function* read(signal: AbortSignal): AsyncGenerator<StatusReply> {
    if (taken) throw new Error('the progress of this build is read by someone else');
    taken = true;
    signal.addEventListener('abort', () => wake(), { once: true });
    while (!signal.aborted) {
      const batch = waiting;
      waiting = [];
      waitingBytes = 0;
      clipped = false;
      if (batch.length > 0) yield merged(batch);
      else if (ended) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return {
    push(reply) {
      const bytes = (reply.logs ?? []).reduce((sum, log) => sum + (log.msg?.length ?? 0) + 100, 0);
      if (bytes > 0 && waitingBytes > maxWaitingBytes) {
        const [first] = reply.logs ?? [];
        if (!clipped && first) waiting.push({ logs: [{ ...first, msg: Buffer.from('[output clipped]\n') }] });
        clipped = true;
        return;
      }
      waitingBytes += bytes;
      waiting.push(reply);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    read,
  };
}

function merged(batch: readonly StatusReply[]): StatusReply {
  return {
    vertexes: batch.flatMap((one) => one.vertexes ?? []),
    statuses: batch.flatMap((one) => one.statuses ?? []),
    logs: batch.flatMap((one) => one.logs ?? []),
    warnings: batch.flatMap((one) => one.warnings ?? []),
  };
}
