import type { ProgressMessage } from '../api/types/image.ts';
import { progressText } from '../common/bytes.ts';
import { failureOf } from './progress-stream.ts';

type Sink = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

const frameMs = 80;
/** As wide a terminal must be for bars, as with Docker. */
const columnsForBars = 110;

/**
 * Prints the messages of a pull or push: on a terminal one line per layer with its progress, redrawn in place; else a
 * line per step, as Docker does. A message with `error` is thrown with the engine's own code and hint.
 */
export async function printTransfer(
  messages: AsyncIterable<ProgressMessage>,
  options: { readonly sink: Sink | undefined },
): Promise<void> {
  const { sink } = options;
  const show = sink?.isTTY ? liveLines(sink) : plainLines(sink);
  try {
    for await (const message of messages) {
      if (message.error !== undefined) throw failureOf(message);
      if (message.status) show.take(message);
    }
  } finally {
    show.end();
  }
}

interface Lines {
  take(message: ProgressMessage): void;
  end(): void;
}

function plainLines(sink: Sink | undefined): Lines {
  return {
    take: ({ id, status, progressDetail }) => {
      if (progressDetail?.total === undefined) sink?.write(id ? `${id}: ${status}\n` : `${status}\n`);
    },
    end: () => {},
  };
}

/** Lines with an id stay where they are and change; others end the block they are in. */
function liveLines(sink: Sink): Lines {
  let lines = new Map<string, string>();
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;
  const draw = () => {
    timer = undefined;
    const height = Math.max(1, (sink.rows || 24) - 1);
    // What has scrolled away cannot be redrawn: of a long list the end is shown while it changes.
    const shown = [...lines.values()].slice(-height);
    const up = drawn > 0 ? `\x1b[${drawn}A` : '';
    sink.write(`${up}${shown.map((line) => `\x1b[2K${line.slice(0, (sink.columns || 80) - 1)}\n`).join('')}`);
    drawn = shown.length;
  };
  const settle = () => {
    clearTimeout(timer);
    if (timer) draw();
    lines = new Map();
    drawn = 0;
  };
  return {
    take: (message) => {
      const { id, status = '' } = message;
      if (!id || /^Pulling from /.test(status)) {
        settle();
        sink.write(id ? `${id}: ${status}\n` : `${status}\n`);
        return;
      }
      lines.set(id, `${id}: ${status}${barOf(message, (sink.columns || 80) > columnsForBars)}`);
      timer ??= setTimeout(draw, frameMs);
    },
    end: settle,
  };
}

function barOf({ progressDetail }: ProgressMessage, bar: boolean): string {
  const { current, total } = progressDetail ?? {};
  return current === undefined || !total ? '' : ` ${progressText(current, total, { bar })}`;
}
