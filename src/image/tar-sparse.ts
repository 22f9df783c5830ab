import { invalid, type PaxRecords, paddingOf } from './tar-format.ts';

/** Where the stored bytes of a sparse file belong; what lies between is a hole. */
export interface SparsePart {
  readonly offset: number;
  readonly size: number;
}

export const maxSparseParts = 100_000;
/** Longest map that stands in front of the content. */
const maxMapBytes = 4 * 1024 * 1024;

/** The map in a header of GNU's own sparse format (type `S`); `extended`: blocks with more of it follow. */
export function headerMap(block: Buffer): { parts: SparsePart[]; extended: boolean; realSize: number } {
  return { ...partsAt(block, 386, 4), extended: block[482] !== 0, realSize: octal(block, 483) };
}

/** A block with more of the map. */
export function extensionMap(block: Buffer): { parts: SparsePart[]; extended: boolean } {
  return { ...partsAt(block, 0, 21), extended: block[504] !== 0 };
}

function partsAt(block: Buffer, start: number, count: number): { parts: SparsePart[] } {
  const parts: SparsePart[] = [];
  for (let at = start; at < start + count * 24; at += 24) {
    if (block[at] === 0) break;
    parts.push({ offset: octal(block, at), size: octal(block, at + 12) });
  }
  return { parts };
}

function octal(block: Buffer, start: number): number {
  const [, digits] = /^ *([0-7]{1,12})[\0 ]*/.exec(block.toString('latin1', start, start + 12)) ?? [];
  if (digits === undefined) throw invalid('the map of a sparse file is not made of numbers');
  return Number.parseInt(digits, 8);
}

const numberOf = (text: string | undefined): number => {
  if (text === undefined || !/^[0-9]{1,16}$/.test(text))
    throw invalid('the map of a sparse file is not made of numbers');
  return Number(text);
};

export interface PaxSparse {
  readonly name?: string;
  readonly realSize: number;
  /** Undefined where the map stands in front of the content. */
  readonly parts?: SparsePart[];
}

/** What PAX records say of a sparse file: versions 0.1 and 1.0. Undefined for any other file. */
export function paxSparse(pax: PaxRecords): PaxSparse | undefined {
  if (![...pax.keys()].some((key) => key.startsWith('GNU.sparse.'))) return undefined;
  const name = pax.get('GNU.sparse.name');
  const named = name === undefined ? {} : { name };
  if (pax.get('GNU.sparse.major') === '1' && pax.get('GNU.sparse.minor') === '0') {
    return { ...named, realSize: numberOf(pax.get('GNU.sparse.realsize')) };
  }
  const map = pax.get('GNU.sparse.map');
  if (map === undefined) throw invalid('a sparse file is stored in a form that is not known');
  const numbers = map.split(',').map(numberOf);
  const parts = numbers.flatMap((offset, at) => (at % 2 === 0 ? [{ offset, size: numbers[at + 1] ?? 0 }] : []));
  return { ...named, realSize: numberOf(pax.get('GNU.sparse.size')), parts };
}

/** Puts the stored bytes of one file where they belong. */
export interface SparseBody {
  data(bytes: Buffer): void;
  /** Throws ARCHIVE_INVALID where bytes are missing. */
  done(): void;
}

interface SparseSink {
  data(bytes: Buffer): void;
  hole(length: number): void;
}

/** `storedSize` counts what follows in the archive, a map in front of it included. Throws ARCHIVE_INVALID. */
export function createSparseBody(
  sink: SparseSink,
  file: { readonly realSize: number; readonly storedSize: number; readonly parts?: readonly SparsePart[] | undefined },
): SparseBody {
  let parts = file.parts && checked(file.parts, file.realSize, file.storedSize);
  let map = Buffer.alloc(0);
  let [index, within, position] = [0, 0, 0];
  const write = (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; ) {
      const part = parts?.[index];
      if (!part) throw invalid('a sparse file has more bytes than its map');
      if (part.offset + within > position) sink.hole(part.offset + within - position);
      const count = Math.min(part.size - within, bytes.length - at);
      if (count > 0) sink.data(bytes.subarray(at, at + count));
      at += count;
      within += count;
      position = part.offset + within;
      if (within < part.size) continue;
      index++;
      within = 0;
    }
  };
  return {
    data: (bytes) => {
      if (parts) return write(bytes);
      map = Buffer.concat([map, bytes]);
      const found = mapInFront(map);
      if (!found) return;
      parts = checked(found.parts, file.realSize, file.storedSize - found.length);
      write(map.subarray(found.length));
    },
    done: () => {
      const left = parts?.slice(index).some(({ size }) => size > 0);
      if (!parts || left || within > 0) throw invalid('a sparse file has fewer bytes than its map');
      if (file.realSize > position) sink.hole(file.realSize - position);
    },
  };
}

/** Version 1.0: decimal lines, a count and then pairs, up to the end of a block. Undefined while it is incomplete. */
function mapInFront(bytes: Buffer): { parts: SparsePart[]; length: number } | undefined {
  if (bytes.length > maxMapBytes) throw invalid('the map of a sparse file is too long');
  const lines = bytes.toString('latin1').split('\n', 2 * maxSparseParts + 2);
  if (lines.length < 2) return undefined;
  const count = numberOf(lines[0]);
  if (count > maxSparseParts) throw invalid('the map of a sparse file is too long');
  if (lines.length < 2 * count + 2) return undefined;
  const numbers = lines.slice(1, 2 * count + 1);
  const used = [lines[0] ?? '', ...numbers].reduce((sum, line) => sum + line.length + 1, 0);
  const length = used + paddingOf(used);
  if (bytes.length < length) return undefined;
  const parts = Array.from({ length: count }, (_, at) => ({
    offset: numberOf(numbers[2 * at]),
    size: numberOf(numbers[2 * at + 1]),
  }));
  return { parts, length };
}

/** In order, apart from each other, inside the file, and as many bytes as are stored. */
function checked(parts: readonly SparsePart[], realSize: number, storedSize: number): readonly SparsePart[] {
  let [end, sum] = [0, 0];
  for (const { offset, size } of parts) {
    if (offset < end || offset + size > realSize) throw invalid('the map of a sparse file is out of order');
    end = offset + size;
    sum += size;
  }
  if (parts.length > maxSparseParts || !Number.isSafeInteger(realSize) || sum !== storedSize) {
    throw invalid('the map of a sparse file does not fit its size');
  }
  return parts;
}
