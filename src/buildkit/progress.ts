import { createHash } from 'node:crypto';
import type { StatusLog } from './status-log.ts';

interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}

export function timestampOf(milliseconds: number): Timestamp {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1e6) };
}
const now = () => timestampOf(Date.now());

/** A part of a build that clients show as one item (a vertex of BuildKit's graph). */
export interface Task {
  /** A line of output, or a piece of one. */
  log(stream: 'stdout' | 'stderr', text: string): void;
  /** Work within the item, as `exporting layers`; the returned function ends it. */
  part(name: string): () => void;
  /** Counts bytes; the returned object ends it. Clients learn of it a few times a second. */
  transfer(name: string): { add(bytes: number): void; end(): void };
  /** A finding; clients that are asked to show the line of the file it is about. */
  warn(text: string, at?: WarnedLine): void;
  /** Idempotent: the first end counts. */
  end(outcome?: { readonly cached?: boolean; readonly error?: string }): void;
}

/** A line of a file, counted from 1. */
export interface WarnedLine {
  readonly file: { readonly name: string; readonly text: Uint8Array };
  readonly line: number;
}

/** Names the items of one build and writes them to its log. */
export interface Progress {
  begin(name: string): Task;
}

const transferEveryMilliseconds = 200;

export function createProgress(ref: string, log: StatusLog): Progress {
  let count = 0;
  return {
    begin(name) {
      const digest = `sha256:${createHash('sha256').update(`${ref} ${++count}`).digest('hex')}`;
      const vertex = { digest, name, started: now() };
      log.push({ vertexes: [vertex] });
      let ended = false;
      const part = (id: string) => {
        const started = now();
        const tell = (completed?: Timestamp) =>
          log.push({ statuses: [{ id, vertex: digest, timestamp: now(), started, completed }] });
        tell();
        return () => tell(now());
      };
      return {
        log: (stream, text) =>
          log.push({
            logs: [{ vertex: digest, timestamp: now(), stream: stream === 'stdout' ? 1 : 2, msg: Buffer.from(text) }],
          }),
        part,
        transfer: (id) => transferOf(id, digest, log),
        warn: (text, at) =>
          log.push({ warnings: [{ vertex: digest, level: 1, short: Buffer.from(text), ...(at && placeOf(at)) }] }),
        end({ cached = false, error = '' } = {}) {
          if (ended) return;
          ended = true;
          log.push({ vertexes: [{ ...vertex, cached, error, completed: now() }] });
        },
      };
    },
  };
}

function placeOf({ file, line }: WarnedLine) {
  const place = { line, character: 0 };
  return {
    info: { filename: file.name, data: file.text, language: 'Dockerfile' },
    ranges: [{ start: place, end: place }],
  };
}

function transferOf(id: string, vertex: string, log: StatusLog): ReturnType<Task['transfer']> {
  const started = now();
  let current = 0;
  let told = 0;
  const tell = (completed?: Timestamp) => {
    told = Date.now();
    log.push({ statuses: [{ id, vertex, name: 'transferring', current, timestamp: now(), started, completed }] });
  };
  tell();
  return {
    add(bytes) {
      current += bytes;
      if (Date.now() - told >= transferEveryMilliseconds) tell();
    },
    end: () => tell(now()),
  };
}
