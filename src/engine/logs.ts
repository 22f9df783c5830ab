import { statSync } from 'node:fs';
import type { EngineApi } from '../api/engine-api.ts';
import type { Frame } from '../api/streams.ts';
import { IechorError } from '../common/error.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { formatInstant, parseInstant } from './instant.ts';
import { findTail, type LogFile } from './log-files.ts';
import { createEntryReader, type LogEntry, timeOf } from './log-format.ts';
import { walkLog } from './log-walk.ts';
import { watchLog } from './log-watch.ts';
import { detailsOf } from './logging/log-attributes.ts';
import { readsLog } from './logging/log-config.ts';
import { logPath } from './paths.ts';

/** What to read of a log. */
export interface LogQuery {
  readonly path: string;
  readonly terminal: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly sinceNano?: bigint | undefined;
  readonly untilNano?: bigint | undefined;
  readonly timestamps: boolean;
  /** Stands at the beginning of each line, after its time. */
  readonly details?: string;
  /** Number of lines from the end; undefined: all. */
  readonly tail?: number | undefined;
  /** Resolves when nothing will be written any more; undefined: what is there is all that is wanted. */
  readonly end?: Promise<unknown> | undefined;
  /** Waited for before the log is looked at. */
  readonly settled?: Promise<unknown> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A container that is asked for its log in its first moments is given so long to say its first words. */
const firstWordsMs = 150;

/** Resolves when the log of a young container has something, or it has ended, or it had its time. */
async function firstWords(context: EngineContext, record: ContainerRecord): Promise<void> {
  const log = watchLog(logPath(context.roots, record.id));
  const isEmpty = () => (statSync(logPath(context.roots, record.id), { throwIfNoEntry: false })?.size ?? 0) === 0;
  const stop = new AbortController();
  const over = Promise.race([
    context.monitor.awaitExit(record.id, stop.signal).catch(() => {}),
    new Promise((resolve) => setTimeout(resolve, firstWordsMs).unref()),
  ]).then(() => 'over' as const);
  try {
    let said = !isEmpty();
    while (!said) said = (await Promise.race([over, log.changed()])) === 'over' || !isEmpty();
  } finally {
    stop.abort();
    log.close();
  }
}

/** Docker's logs: what the container has written, and with `follow` what it writes until it ends. */
export function containerLogs(
  context: EngineContext,
  request: Parameters<EngineApi['containerLogs']>[0],
): AsyncIterable<Frame> {
  const record = context.containers.get(request.id);
  if (!request.stdout && !request.stderr) {
    throw new IechorError('BAD_REQUEST', 'Bad parameters: you must choose at least one stream');
  }
  if (!readsLog(record)) {
    throw new IechorError('NOT_SUPPORTED', 'configured logging driver does not support reading', {
      hint: 'the container was made with the log driver none, or without a local copy of what is sent elsewhere',
    });
  }
  const until = instantOf(request.until, 'until');
  const controller = new AbortController();
  const isLive = ['starting', 'running', 'paused'].includes(record.status);
  const end = request.follow && isLive ? endOf(context, record.id, { until, signal: controller.signal }) : undefined;
  const started = Date.parse(record.startedAt);
  const settled = isLive && Date.now() - started < firstWordsMs ? firstWords(context, record) : undefined;
  const frames = readLog({
    path: logPath(context.roots, record.id),
    terminal: record.config.Tty === true,
    stdout: request.stdout === true,
    stderr: request.stderr === true,
    sinceNano: instantOf(request.since, 'since'),
    untilNano: until,
    timestamps: request.timestamps === true,
    ...(request.details && { details: detailsOf(record) }),
    tail: tailOf(request.tail),
    end,
    settled,
    signal: request.signal,
  });
  return withCleanup(frames, () => controller.abort());
}

async function* withCleanup<T>(items: AsyncIterable<T>, cleanup: () => void): AsyncGenerator<T> {
  try {
    yield* items;
  } finally {
    cleanup();
  }
}

/** The end of the process, or the time that was asked for. Never rejects. */
function endOf(
  context: EngineContext,
  id: string,
  { until, signal }: { until: bigint | undefined; signal: AbortSignal },
): Promise<unknown> {
  const exit = context.monitor.awaitExit(id, signal).catch(() => {});
  if (until === undefined) return exit;
  const milliseconds = Math.min(Math.max(Number(until / 1_000_000n) - Date.now(), 0), 2 ** 31 - 1);
  return Promise.race([exit, new Promise((resolve) => setTimeout(resolve, milliseconds).unref())]);
}

function instantOf(text: string | undefined, what: string): bigint | undefined {
  // Docker's clients send 0 for "not given".
  return text === undefined || text === '' || text === '0' ? undefined : parseInstant(text, what);
}

function tailOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === 'all') return undefined;
  // Docker takes what is no number, and negative ones, for "all".
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Reads a log from its files. With `end` it goes on, across rotations, until that resolves and all is read. */
export async function* readLog(query: LogQuery): AsyncGenerator<Frame> {
  const { path, end, signal, tail } = query;
  await query.settled;
  const frames = createFrames(query);
  const begin = (files: readonly LogFile[]) =>
    tail === undefined
      ? { file: 0, offset: 0 }
      : findTail(files, tail, (stderr) => (stderr ? query.stderr : query.stdout));
  for await (const { data } of walkLog({ path, end, signal, begin })) {
    yield* frames.of(data);
    if (frames.done) return;
  }
}

interface Frames {
  /** Nothing later is wanted. */
  readonly done: boolean;
  of(chunk: Buffer): Generator<Frame>;
}

/** Turns entries into frames: neighbours of one stream go together, with their ends told; times stand at the beginnings of lines. */
function createFrames(query: LogQuery): Frames {
  const reader = createEntryReader();
  const midLine = { stdout: false, stderr: false };
  let done = false;
  const isWanted = (entry: LogEntry): boolean => {
    if (!(entry.stderr ? query.stderr : query.stdout)) return false;
    if (query.sinceNano === undefined && query.untilNano === undefined) return true;
    const time = timeOf(entry);
    if (query.untilNano !== undefined && time > query.untilNano) done = true;
    return !done && time >= (query.sinceNano ?? 0n);
  };
  return {
    get done() {
      return done;
    },
    *of(chunk) {
      let stream: 'stdout' | 'stderr' = 'stdout';
      let pieces: Buffer[] = [];
      let ends: number[] = [];
      let bytes = 0;
      const flush = (): Frame => {
        const data = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces, bytes);
        const frame: Frame = { stream: query.terminal ? 'console' : stream, data, ends };
        pieces = [];
        ends = [];
        bytes = 0;
        return frame;
      };
      const add = (piece: Buffer) => {
        pieces.push(piece);
        bytes += piece.length;
      };
      const addHead = (entry: LogEntry) => {
        if (query.timestamps) add(Buffer.from(`${formatInstant(timeOf(entry))} `));
        if (query.details !== undefined) add(Buffer.from(`${query.details} `));
      };
      for (const entry of reader.read(chunk)) {
        if (!isWanted(entry)) continue;
        const own = entry.stderr ? 'stderr' : 'stdout';
        if (own !== stream && pieces.length > 0) yield flush();
        stream = own;
        if (!midLine[own]) addHead(entry);
        add(entry.data);
        ends.push(bytes);
        midLine[own] = !entry.full;
      }
      if (pieces.length > 0) yield flush();
    },
  };
}
