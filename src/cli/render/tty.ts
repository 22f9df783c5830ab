import { stepWords } from '../../compose/plan/words.ts';
import type { ProgressEvent } from '../../compose/run/progress.ts';
import type { Renderer, Terminal, Write } from './renderer.ts';

interface Row {
  readonly label: string;
  text: string;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'skipped';
  /** Steps of the resource that have not ended. */
  left: number;
  startedAt: number | undefined;
  endedAt: number | undefined;
}

export interface TtyOptions {
  readonly terminal: () => Terminal;
  readonly colour: boolean;
  readonly now?: () => number;
  /** Milliseconds between two frames. */
  readonly interval?: number;
}

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const codes = { green: '32', red: '31', yellow: '33', blue: '34', faint: '2' } as const;

/**
 * A live table: one row per resource, redrawn in place in one write per frame, never more than the terminal is high.
 * The last frame shows every row and stays.
 */
export function ttyRenderer(write: Write, options: TtyOptions): Renderer {
  const { now = Date.now, interval = 100 } = options;
  let rows = new Map<string, Row>();
  let drawn = 0;
  let frame = 0;
  let timer: NodeJS.Timeout | undefined;
  const paint = (text: string, colour: keyof typeof codes) =>
    options.colour ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text;

  const draw = (all: boolean) => {
    const lines = tableLines([...rows.values()], { ...options.terminal(), all, tick: frame++, now: now(), paint });
    const up = drawn > 0 ? `\x1b[${drawn}A` : '';
    const surplus = Math.max(0, drawn - lines.length);
    const erase = surplus > 0 ? `${'\x1b[2K\n'.repeat(surplus)}\x1b[${surplus}A` : '';
    write(`\x1b[?25l${up}${lines.map((line) => `\x1b[2K${line}\n`).join('')}${erase}\x1b[?25h`);
    drawn = lines.length;
  };
  const finish = () => {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    draw(true);
    rows = new Map();
    drawn = 0;
  };
  return {
    announce: (plan) => {
      finish();
      for (const { label } of plan) {
        const row = rows.get(label);
        if (row) row.left += 1;
        else rows.set(label, { label, text: '', state: 'waiting', left: 1, startedAt: undefined, endedAt: undefined });
      }
      if (rows.size === 0) return;
      timer = setInterval(() => draw(false), interval);
      timer.unref();
      draw(false);
    },
    event: (event) => {
      const row = rows.get(event.step.label);
      if (row) note(row, event, now());
    },
    line: (text) => {
      if (drawn > 0) write(`\x1b[${drawn}A\x1b[J`);
      drawn = 0;
      write(`${text}\n`);
      if (timer) draw(false);
    },
    summary: (text) => write(`${text}\n`),
    finish,
  };
}

function note(row: Row, { step, status, detail, progress, output }: ProgressEvent, at: number): void {
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
  readonly paint: (text: string, colour: keyof typeof codes) => string;
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
  const lines = shown.map((row) => rowLine(row, width, options));
  const more = rows.length - shown.length;
  return [`[+] Running ${done}/${rows.length}`, ...lines, ...(more > 0 ? [` ... and ${more} more`] : [])];
}

function rowLine(row: Row, width: number, { columns, tick, now, paint }: TableOptions): string {
  const marks = {
    waiting: ' ',
    running: paint(spinner[tick % spinner.length] ?? '', 'blue'),
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
  const text = row.text.length > room ? `${row.text.slice(0, room - 1)}…` : row.text.padEnd(room);
  const colour = row.state === 'failed' ? 'red' : row.state === 'done' ? 'green' : undefined;
  return ` ${marks[row.state]} ${label}  ${colour ? paint(text, colour) : text} ${paint(time, 'faint')}`;
}
