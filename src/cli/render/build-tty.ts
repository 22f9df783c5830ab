import { type BuildNews, type BuildReader, createBuildReader, type ShownStep } from './build-reader.ts';
import { duration, summaryLines } from './build-summary.ts';
import type { BuildView } from './build-view.ts';
import { liveRegion } from './live-region.ts';
import type { Terminal, Write } from './renderer.ts';
import { type Paint, painter, spinnerAt } from './paint.ts';
import { clip, plainLine, textWidth } from './text-width.ts';

export interface TtyBuildOptions {
  readonly terminal: () => Terminal;
  readonly colour: boolean;
  readonly now?: () => number;
  /** Milliseconds between two frames. */
  readonly interval?: number;
}

/**
 * A build in a terminal: what has ended stays as one line each, what runs is below, with its last lines of output, and
 * is redrawn in place. Output of a step that failed stays.
 */
export function ttyBuild(write: Write, options: TtyBuildOptions): BuildView {
  const { now = Date.now, interval = 100, terminal } = options;
  const paint = painter(options.colour);
  const reader = createBuildReader(now);
  const region = liveRegion(write, terminal);
  const startedAt = now();
  let lasting: string[] = [];
  let frame = 0;
  const draw = () => {
    const { columns, rows } = terminal();
    const head = headline(reader, now() - startedAt);
    const room = Math.max(1, rows - 2);
    const steps = runningLines(reader, { columns, room, now: now(), tick: frame++, paint });
    region.show(lasting, [...steps, clip(head, columns)]);
    lasting = [];
  };
  const tell = (news: readonly BuildNews[]) => {
    lasting.push(...news.flatMap((one) => lastingLines(one, { columns: terminal().columns, paint })));
  };
  const timer = setInterval(draw, interval);
  timer.unref();
  let ended = false;
  return {
    take: (message) => tell(reader.take(message)),
    end() {
      if (ended) return;
      ended = true;
      clearInterval(timer);
      tell(reader.end());
      const left = reader.running().map((step) => {
        return stepLine(step, { columns: terminal().columns, paint, mark: '-', ms: now() - step.startedAt });
      });
      region.show([...lasting, ...left], []);
    },
  };
}

function headline(reader: BuildReader, ms: number): string {
  const { begun, total } = reader.count();
  return `[+] Building ${duration(ms)}${total > 0 ? ` (${begun}/${total})` : ''}`;
}

interface Look {
  readonly columns: number;
  readonly paint: Paint;
}

/** Lines that stay: a step that has ended, the output of one that failed, and what is said beside the steps. */
function lastingLines(news: BuildNews, look: Look): string[] {
  if (news.kind === 'text') return news.text.split('\n').map(plainLine);
  if (news.kind === 'summary') {
    const { cached, made, ms } = news.summary;
    const built = `[+] Built ${duration(ms)}: ${made} ${made === 1 ? 'step' : 'steps'} run, ${cached} CACHED`;
    return [look.paint(built, 'blue'), ...summaryLines(news.summary).map(plainLine)];
  }
  if (news.kind !== 'ended') return [];
  const { step } = news;
  if (step.state !== 'failed') return [stepLine(step, { ...look, mark: look.paint('✔', 'green') })];
  const output = step.tail.map((line) => `${look.paint('        │', 'faint')} ${plainLine(line)}`);
  return [stepLine(step, { ...look, mark: look.paint('✘', 'red') }), ...output];
}

/** `✔   3.4s [2/4] RUN make  MISS: not built before`: the time first, so that it stands where it is at any width. */
function stepLine(
  step: ShownStep,
  { columns, paint, mark, ms = step.ms }: Look & { mark: string; ms?: number },
): string {
  const time = step.state === 'cached' ? 'CACHED' : duration(ms).padStart(6);
  const room = Math.max(1, columns - 10);
  const from = step.from === undefined ? '' : `  from ${step.from}`;
  const reason = step.reason === undefined ? from : `  MISS: ${step.reason}`;
  const title = plainLine(step.title);
  const short = clip(title, Math.max(Math.min(textWidth(title), room - textWidth(reason)), Math.ceil(room / 2), 1));
  const left = room - textWidth(short);
  const why = left > 12 ? clip(reason, left) : '';
  return clipMarked(
    ` ${mark} ${paint(time, step.state === 'cached' ? 'blue' : 'faint')} ${short}${paint(why, 'faint')}`,
    columns,
  );
}

/** A line too wide even so: a terminal of a few columns. */
const clipMarked = (line: string, columns: number): string =>
  textWidth(line) <= columns ? line : clip(plainLine(line), columns);

const mostTail = 6;

/** Each step that runs with as much of its output as there is room for; not more lines than `room`. */
export function runningLines(
  reader: BuildReader,
  { columns, room, now, tick, paint }: Look & { room: number; now: number; tick: number },
): string[] {
  const running = reader.running();
  const hidden = running.length > room ? running.length - room + 1 : 0;
  const shown = running.slice(0, running.length - hidden);
  const tail = Math.min(mostTail, Math.floor((room - shown.length - Math.min(1, hidden)) / Math.max(1, shown.length)));
  const lines = shown.flatMap((step) => [
    stepLine(step, { columns, paint, mark: paint(spinnerAt(tick), 'blue'), ms: now - step.startedAt }),
    ...(tail > 0 ? step.tail.slice(-tail) : []).map((line) =>
      columns < 14
        ? clip(plainLine(line), columns)
        : `${paint('        │', 'faint')} ${clip(plainLine(line), columns - 11)}`,
    ),
  ]);
  return hidden > 0 ? [...lines, clip(` ... and ${hidden} more`, columns)] : lines;
}
