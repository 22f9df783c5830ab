import type { LogLine } from './log-source.ts';
import { type Level, levelOf, levels } from './run/log-entries.ts';

export interface LogFilter {
  /** Only entries in which a line matches. */
  readonly grep?: RegExp | undefined;
  /** Only entries of this level and graver ones; those that name none count as info. */
  readonly level?: Level | undefined;
}

const longestEntry = 1000;

/** Entries (a line with those that go on with it, such as a stack trace) that pass: whole, or not at all. */
export async function* filterLogs(lines: AsyncIterable<LogLine>, filter: LogFilter): AsyncGenerator<LogLine> {
  if (!filter.grep && !filter.level) return yield* lines;
  const open = new Map<string, Entry>();
  for await (const line of lines) {
    const key = `${line.from.name} ${line.stream}`;
    const entry = line.written !== undefined ? open.get(key) : undefined;
    if (!entry) {
      const fits = graveEnough(line, filter.level);
      const begun: Entry = { fits, shown: fits && matches(line, filter.grep), waiting: [] };
      open.set(key, begun);
      if (begun.shown) yield line;
      else if (fits) begun.waiting.push(line);
      continue;
    }
    if (entry.shown) {
      yield line;
      continue;
    }
    if (!entry.fits) continue;
    if (entry.waiting.length < longestEntry) entry.waiting.push(line);
    if (!matches(line, filter.grep)) continue;
    entry.shown = true;
    yield* entry.waiting.splice(0);
  }
}

interface Entry {
  readonly fits: boolean;
  shown: boolean;
  /** Lines so far of an entry that may match yet. */
  readonly waiting: LogLine[];
}

const matches = ({ text, exitCode }: LogLine, grep: RegExp | undefined): boolean =>
  exitCode !== undefined || !grep || grep.test(text);

function graveEnough({ text, exitCode }: LogLine, level: Level | undefined): boolean {
  if (level === undefined || exitCode !== undefined) return true;
  return levels.indexOf(levelOf(text) ?? 'info') >= levels.indexOf(level);
}

/** Lines as data, one JSON object each; what goes on with a line, such as its stack trace, is of the same level. */
export function jsonLines(): (line: LogLine) => string {
  const last = new Map<string, Level | undefined>();
  return (line) => {
    const key = `${line.from.name} ${line.stream}`;
    const level = line.written !== undefined && last.has(key) ? last.get(key) : levelOf(line.text);
    last.set(key, level);
    return jsonOf(line, level);
  };
}

function jsonOf({ from, stream, time, written, text, exitCode }: LogLine, level: Level | undefined): string {
  return JSON.stringify({
    time: written ?? time,
    service: from.service,
    container: from.name,
    stream,
    ...(level && { level }),
    ...(exitCode === undefined ? { message: text } : { exitCode }),
  });
}
