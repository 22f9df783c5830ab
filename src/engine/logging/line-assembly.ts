import { randomBytes } from 'node:crypto';
import { type LogEntry, timeOf } from '../log-format.ts';

/** One message for a driver: a line without its end, or a piece of a line that is longer than Docker's limit. */
export interface LogLine {
  readonly stderr: boolean;
  readonly nano: bigint;
  readonly data: Buffer;
  /** Of a line in pieces: its id, which piece this is (from 1 on), and whether it is the last. */
  readonly piece?: { readonly id: string; readonly ordinal: number; readonly last: boolean };
}

export interface LineAssembly {
  add(entry: LogEntry): LogLine[];
  /** True while the beginning of a line waits for the rest. */
  readonly pending: boolean;
  /** What waits, as it is: nothing follows. */
  rest(): LogLine[];
}

/** Docker's drivers get lines in pieces of so much. */
const pieceBytes = 16 * 1024;

interface Open {
  data: Buffer[];
  bytes: number;
  nano: bigint;
  id?: string;
  ordinal: number;
}

/** Joins the entries of the monitor to lines, and long lines to pieces of 16 KiB. Never holds more than a piece each. */
export function createLineAssembly(): LineAssembly {
  const open = new Map<boolean, Open>();

  const emit = (stderr: boolean, state: Open, last: boolean, data: Buffer): LogLine => {
    if (!last) state.id ??= randomBytes(32).toString('hex');
    state.ordinal += 1;
    const piece = state.id === undefined ? undefined : { id: state.id, ordinal: state.ordinal, last };
    return { stderr, nano: state.nano, data, ...(piece && { piece }) };
  };
  const joined = ({ data, bytes }: Open) => (data.length === 1 && data[0] ? data[0] : Buffer.concat(data, bytes));

  return {
    add(entry) {
      const { stderr, full } = entry;
      const state = open.get(stderr) ?? { data: [], bytes: 0, nano: timeOf(entry), ordinal: 0 };
      const own = full ? entry.data.subarray(0, -1) : entry.data;
      state.data.push(own);
      state.bytes += own.length;
      const lines: LogLine[] = [];
      while (state.bytes >= pieceBytes && !(full && state.bytes === pieceBytes)) {
        const all = joined(state);
        lines.push(emit(stderr, state, false, all.subarray(0, pieceBytes)));
        state.data = [all.subarray(pieceBytes)];
        state.bytes = all.length - pieceBytes;
      }
      if (full) {
        lines.push(emit(stderr, state, true, joined(state)));
        open.delete(stderr);
      } else open.set(stderr, state);
      return lines;
    },
    get pending() {
      return open.size > 0;
    },
    rest() {
      const lines = [...open].map(([stderr, state]) => emit(stderr, state, true, joined(state)));
      open.clear();
      return lines;
    },
  };
}
