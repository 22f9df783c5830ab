import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../common/error.ts';
import type { Log } from '../../common/log.ts';
import { readIfThere, writeWhole } from '../../host/files.ts';
import { headOf, type LogFile } from '../log-files.ts';
import { createEntryReader } from '../log-format.ts';
import { walkLog } from '../log-walk.ts';
import { createLineAssembly, type LogLine } from './line-assembly.ts';
import type { LogSink } from './log-sink.ts';

/** What is sent, from where, and to whom. */
export interface ForwardOptions {
  readonly container: string;
  /** The local log, and the file that says how much of it has been sent. */
  readonly path: string;
  readonly positionPath: string;
  /** Resolves when nothing will be written any more. */
  readonly end: Promise<unknown>;
  /** Waited for first: who sent before. */
  readonly after?: Promise<void>;
  open(): Promise<LogSink>;
  /** A line on the wire; undefined for one that is not sent. */
  message(line: LogLine): Buffer | undefined;
  readonly log: Log;
}

export interface Forward {
  /** Resolves when all of the log has been sent, or it was stopped. Never rejects. */
  readonly done: Promise<void>;
  /** Lets go; what was not sent is sent by the next one. */
  stop(): void;
}

interface Position {
  readonly head: string;
  readonly offset: number;
}

const firstRetryMs = 250;
const longestRetryMs = 30_000;
const saveEveryMs = 1000;

/**
 * Sends a container's log on, each line at least once: only so much of it is read as the other side takes, so that who
 * does not read costs neither memory nor the container's time. How far it came is written down; after a loss of that, or
 * of the connection, some lines come twice.
 */
export function startForward(options: ForwardOptions): Forward {
  const controller = new AbortController();
  const done = (options.after ?? Promise.resolve())
    .then(() => forward(options, controller.signal))
    .catch((error) => options.log.error('a log is not sent on', about(options, error)));
  return { done, stop: () => controller.abort() };
}

const about = ({ container }: ForwardOptions, error: unknown) => ({ container, error: messageOf(error) });

async function forward(options: ForwardOptions, signal: AbortSignal): Promise<void> {
  const reader = createEntryReader();
  const assembly = createLineAssembly();
  const position = createPosition(options.positionPath);
  const delivery = createDelivery(options, signal);
  const { path, end } = options;
  try {
    for await (const { data, file, offset } of walkLog({ path, end, signal, begin: position.find })) {
      await delivery.send(reader.read(data).flatMap(assembly.add));
      if (signal.aborted) return;
      if (!assembly.pending) await position.note(file, offset - reader.restBytes);
    }
    if (!signal.aborted) await delivery.send(assembly.rest());
  } finally {
    delivery.close();
    position.save();
  }
}

/** Sends lines until they are taken, on a new connection where one is lost. */
function createDelivery(options: ForwardOptions, signal: AbortSignal) {
  let sink: LogSink | undefined;
  let failing = false;
  const stop = () => sink?.close();
  signal.addEventListener('abort', stop, { once: true });
  const attempt = async (messages: readonly Buffer[]) => {
    sink ??= await options.open();
    if (signal.aborted) return;
    await sink.send(messages);
    if (failing) options.log.info('a log is sent on again', { container: options.container });
    failing = false;
  };
  return {
    async send(lines: readonly LogLine[]): Promise<void> {
      const messages = lines.flatMap((line) => options.message(line) ?? []);
      if (messages.length === 0) return;
      for (let waitMs = firstRetryMs; !signal.aborted; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
        try {
          return await attempt(messages);
        } catch (error) {
          sink?.close();
          sink = undefined;
          if (!failing && !signal.aborted) options.log.warn('a log cannot be sent on now', about(options, error));
          failing = true;
        }
        await delay(waitMs, undefined, { signal, ref: false }).catch(() => {});
      }
    },
    close: () => {
      signal.removeEventListener('abort', stop);
      sink?.close();
    },
  };
}

/** How much has been sent: so far into the file that begins so. */
function createPosition(path: string) {
  let current: Position | undefined;
  let file: LogFile | undefined;
  let savedAt = 0;
  const save = () => {
    savedAt = Date.now();
    // Without a directory the container has been removed, and all of this with it.
    if (current) writeIfPossible(path, JSON.stringify(current));
  };
  return {
    save,
    async find(files: readonly LogFile[]): Promise<{ file: number; offset: number }> {
      const saved = readPosition(path);
      const heads = saved ? await Promise.all(files.map(headOf)) : [];
      const at = saved ? heads.indexOf(saved.head) : -1;
      // Where that file has been rotated away altogether, what is left comes after it.
      return at < 0 ? { file: 0, offset: 0 } : { file: at, offset: saved?.offset ?? 0 };
    },
    async note(in_: LogFile, offset: number): Promise<void> {
      const head = file?.inode === in_.inode && current ? current.head : await headOf(in_);
      file = in_;
      current = { head, offset };
      if (Date.now() - savedAt > saveEveryMs) save();
    },
  };
}

function writeIfPossible(path: string, text: string): void {
  try {
    writeWhole(path, text);
  } catch {
    // A full disk, or a container that is gone: some lines come twice.
  }
}

function readPosition(path: string): Position | undefined {
  try {
    const { head, offset } = JSON.parse(readIfThere(path) ?? '{}') as Partial<Position>;
    return typeof head === 'string' && head !== '' && Number.isSafeInteger(offset)
      ? { head, offset: Number(offset) }
      : undefined;
  } catch {
    return undefined;
  }
}
