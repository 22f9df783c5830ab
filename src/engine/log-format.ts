import { parseRfc3339 } from './instant.ts';

/** One entry of a log as the monitor writes it: `<RFC 3339 with nine decimals> <stdout|stderr> <P|F> <text>\n`. */
export interface LogEntry {
  readonly stderr: boolean;
  /** The end of a line; otherwise the line goes on in a later entry of the same stream. */
  readonly full: boolean;
  /** Text as it stands in the file. */
  readonly timestamp: string;
  /** The process's own bytes, with the line end of a full entry. */
  readonly data: Buffer;
}

const newline = 0x0a;
const space = 0x20;

/** Parses one line of the file, given with its line end; undefined for what is no entry (a torn write). */
export function parseEntry(line: Buffer): LogEntry | undefined {
  const afterTime = line.indexOf(space);
  const afterStream = line.indexOf(space, afterTime + 1);
  const tag = line[afterStream + 1];
  if (afterTime < 20 || afterStream - afterTime !== 7 || line[afterStream + 2] !== space) return undefined;
  if (tag !== 0x46 && tag !== 0x50) return undefined;
  const full = tag === 0x46;
  return {
    stderr: line[afterTime + 4] === 0x65,
    full,
    timestamp: line.toString('latin1', 0, afterTime),
    data: line.subarray(afterStream + 3, full ? line.length : line.length - 1),
  };
}

/** Nanoseconds since the epoch of an entry; 0 where its time cannot be read. */
export function timeOf(entry: LogEntry): bigint {
  return parseRfc3339(entry.timestamp) ?? 0n;
}

/** Longest line of a file that is waited for; the monitor writes less than 9 KiB. */
const maxLineBytes = 1024 * 1024;

export interface EntryReader {
  /** Entries that are whole with this chunk. What is no entry is skipped. */
  read(chunk: Buffer): LogEntry[];
  /** Bytes of the last chunks that belong to an entry which is not whole yet. */
  readonly restBytes: number;
}

/** Cuts chunks of a file into entries. */
export function createEntryReader(): EntryReader {
  let rest: Buffer = Buffer.alloc(0);
  const read = (chunk: Buffer) => {
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const entries: LogEntry[] = [];
    let start = 0;
    for (let end = text.indexOf(newline); end >= 0; end = text.indexOf(newline, start)) {
      const entry = parseEntry(text.subarray(start, end + 1));
      if (entry) entries.push(entry);
      start = end + 1;
    }
    rest = text.length - start > maxLineBytes ? Buffer.alloc(0) : Buffer.from(text.subarray(start));
    return entries;
  };
  return {
    read,
    get restBytes() {
      return rest.length;
    },
  };
}
