import { stepWords } from '../../compose/plan/words.ts';
import type { ProgressEvent } from '../../compose/run/progress.ts';
import { type BuildNews, type BuildReader, createBuildReader } from './build-reader.ts';
import { summaryLines } from './build-summary.ts';
import { runningLines } from './build-tty.ts';
import { liveRegion } from './live-region.ts';
import { type Paint, painter, spinnerAt } from './paint.ts';
import type { Renderer, Terminal, Write } from './renderer.ts';
import { clip, plainLine } from './text-width.ts';

interface Row {
  readonly label: string;
  text: string;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'skipped';
  /** Steps of the resource that have not ended. */
  left: number;
  startedAt?: number;
  endedAt?: number;
  /** Of an image that is being built: what its messages said. */
  build?: BuildReader;
}

export interface TtyOptions {
  readonly terminal: () => Terminal;
  readonly colour: boolean;
  readonly now?: () => number;
  /** Milliseconds between two frames. */
  readonly interval?: number;
}

/**
 * A live table: one row per resource, redrawn in place in one write per frame, never more than the terminal is high.
 * The last frame shows every row and stays.
 */
export function ttyRenderer(write: Write, options: TtyOptions): Renderer {
  const { now = Date.now, interval = 100 } = options;
  let rows = new Map<string, Row>();
  let frame = 0;
  let timer: NodeJS.Timeout | undefined;
  const paint = painter(options.colour);
  const region = liveRegion(write, options.terminal);
  const table = (all: boolean) =>
    tableLines([...rows.values()], { ...options.terminal(), all, tick: frame++, now: now(), paint });
  let held = 0;
  const draw = (lasting: readonly string[] = []) => region.show(lasting, held > 0 ? [] : table(false));
  const finish = () => {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    region.show(table(true), []);
    rows = new Map();
  };
  return {
    announce: (plan) => {
      finish();
      for (const { label } of plan) {
        const row = rows.get(label);
        if (row) row.left += 1;
        else rows.set(label, { label, text: '', state: 'waiting', left: 1 });
      }
      if (rows.size === 0) return;
      timer = setInterval(() => draw(), interval);
      timer.unref();
      draw();
    },
    event: (event) => {
      const row = rows.get(event.step.label);
      const lasting = row ? note(row, event, now) : [];
      if (lasting.length > 0) draw(lasting.map((line) => `${event.step.label} | ${line}`));
    },
    line: (text) => (timer ? draw([text]) : write(`${text}\n`)),
    above: async (act) => {
      held += 1;
      if (timer) draw();
      try {
        await act();
      } finally {
        held -= 1;
        if (timer && held === 0) draw();
      }
    },
    summary: (text) => write(`${text}\n`),
    finish,
  };
}

/** Takes in what happened; returns the lines that should stay. */
function note(row: Row, event: ProgressEvent, now: () => number): readonly string[] {
  if (!event.build) noteStep(row, event, now());
  else {
    row.build ??= createBuildReader(now);
    const news = row.build.take(event.build);
    const { begun, total } = row.build.count();
    row.text = total > 0 ? `${stepWords(event.step).doing} (${begun}/${total})` : stepWords(event.step).doing;
    return news.flatMap(wordsOf);
  }
  return [];
}

/** Of a build among other things only this stays: what a failed step wrote, warnings, and what was slow or large. */
function wordsOf(news: BuildNews): readonly string[] {
  if (news.kind === 'summary') return summaryLines(news.summary).map(plainLine);
  if (news.kind === 'text')
    return news.text
      .split('\n')
      .filter((line) => /warning/i.test(line))
      .map(plainLine);
  if (news.kind !== 'ended' || news.step.state !== 'failed') return [];
  return [news.step.title, ...news.step.tail].map(plainLine);
}

function noteStep(row: Row, { step, status, detail, progress, output }: ProgressEvent, at: number): void {
  const words = stepWords(step);
  if (status === 'running') {
    row.state = 'running';
    row.startedAt ??= at;
    const share = progress && progress.total > 0 ? ` ${Math.floor((100 * progress.current) / progress.total)}%` : '';
    row.text = output ?? detail ?? `${words.doing}${share}`;
    return;
  }
  row.left -= 1;
  if (status === 'failed') row.state = 'failed';
  else if (status === 'skipped' && row.state !== 'failed') row.state = 'skipped';
  else if (row.left === 0 && row.state === 'running') row.state = 'done';
  row.text = status === 'done' ? (detail ?? words.done) : status === 'failed' ? 'Error' : row.text || 'Skipped';
  if (row.left === 0 || status === 'failed') row.endedAt = at;
}

interface TableOptions extends Terminal {
  readonly all: boolean;
  readonly tick: number;
  readonly now: number;
  readonly paint: Paint;
}

/** The table's lines: running and failed rows first when not all fit. */
function tableLines(rows: readonly Row[], options: TableOptions): string[] {
  const done = rows.filter(({ state }) => state === 'done').length;
  const room = options.all ? rows.length : Math.max(1, options.rows - 3);
  const urgency = { failed: 0, running: 1, waiting: 2, skipped: 3, done: 4 };
  const shown =
    rows.length <= room
      ? rows
      : rows.filter((row) =>
          [...rows]
            .sort((a, b) => urgency[a.state] - urgency[b.state])
            .slice(0, room)
            .includes(row),
        );
  const width = Math.max(...shown.map(({ label }) => label.length));
  const builds = shown.filter(({ build, state }) => build && state === 'running').length;
  const share = options.all || builds === 0 ? 0 : Math.floor((room - shown.length) / builds);
  const lines = shown.flatMap((row) => [rowLine(row, width, options), ...buildLines(row, share, options)]);
  const more = rows.length - shown.length;
  return [`[+] Running ${done}/${rows.length}`, ...lines, ...(more > 0 ? [` ... and ${more} more`] : [])];
}

/** Steps of a build that run, with the end of their output. */
function buildLines({ build, state }: Row, room: number, options: TableOptions): string[] {
  if (!build || state !== 'running' || room < 1) return [];
  return runningLines(build, { ...options, columns: options.columns - 3, room }).map((line) => `   ${line}`);
}

function rowLine(row: Row, width: number, { columns, tick, now, paint }: TableOptions): string {
  const marks = {
    waiting: ' ',
    running: paint(spinnerAt(tick), 'blue'),
    done: paint('✔', 'green'),
    failed: paint('✘', 'red'),
    skipped: paint('-', 'yellow'),
  };
  const time = row.startedAt === undefined ? '' : `${(((row.endedAt ?? now) - row.startedAt) / 1000).toFixed(1)}s`;
  const label =
    row.label.length > columns - 24
      ? `${row.label.slice(0, Math.max(8, columns - 25))}…`
      : row.label.padEnd(Math.min(width, columns - 24));
  const room = Math.max(4, columns - label.length - time.length - 7);
  const text = clip(plainLine(row.text), room).padEnd(room);
  const colour = row.state === 'failed' ? 'red' : row.state === 'done' ? 'green' : undefined;
  return ` ${marks[row.state]} ${label}  ${colour ? paint(text, colour) : text} ${paint(time, 'faint')}`;
}
