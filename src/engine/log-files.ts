import { type FileHandle, open, readdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { codeOf } from '../common/error.ts';
import { parseEntry } from './log-format.ts';

/** An open file of a log; what it is called may change while it is read. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly inode: bigint;
  /** When it was opened. */
  readonly sizeBytes: number;
}

/** Opens the live file and the rotated ones (`log.1` is the newest of them), the oldest first. None where none is. */
export async function openLogFiles(path: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  const heads = new Set<string>();
  for (const name of [path, ...(await rotatedFiles(path))]) {
    const file = await openFile(name);
    if (!file) continue;
    // A rotation in between shows one file under two names.
    const head = await headOf(file);
    if (head !== '' && heads.has(head)) await file.handle.close();
    else files.push(file);
    heads.add(head);
  }
  return files.reverse();
}

/** Rotated names without `.gz`, the newest first. */
async function rotatedFiles(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  try {
    const numbers = (await readdir(dirname(path)))
      .filter((name) => name.startsWith(prefix))
      .map((name) => /^(\d+)(\.gz)?$/.exec(name.slice(prefix.length))?.[1])
      .filter((number) => number !== undefined);
    return [...new Set(numbers.map(Number))].sort((a, b) => a - b).map((number) => `${path}.${number}`);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function openFile(path: string): Promise<LogFile | undefined> {
  const handle = (await openHere(path)) ?? (await openCompressed(`${path}.gz`));
  if (!handle) return undefined;
  const { ino, size } = await handle.stat({ bigint: true });
  return { handle, inode: ino, sizeBytes: Number(size) };
}

async function openHere(path: string, flags = 'r'): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags, 0o600);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The content of a compressed file, in one that has no name. */
async function openCompressed(path: string): Promise<FileHandle | undefined> {
  const source = await openHere(path);
  if (!source) return undefined;
  const plainPath = `${path}.${process.pid}.${process.hrtime.bigint().toString(36)}`;
  const plain = await openHere(plainPath, 'wx+');
  if (!plain) {
    await source.close();
    return undefined;
  }
  try {
    await unlink(plainPath);
    await pipeline(source.createReadStream(), createGunzip(), async (content) => {
      for await (const data of content) await plain.write(data);
    });
    return plain;
  } catch (error) {
    await plain.close();
    throw error;
  }
}

const headBytes = 40;

/** The first bytes of a log file, with the time of its first entry: what it is known by under any name. */
export async function headOf({ handle }: Pick<LogFile, 'handle'>): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  return bytesRead < headBytes ? '' : buffer.toString('latin1');
}

async function headAt(path: string): Promise<string> {
  const plain = await openHere(path);
  const handle = plain ?? (await openHere(`${path}.gz`));
  if (!handle) return '';
  try {
    if (plain) return await headOf({ handle });
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    const start = gunzipSync(buffer.subarray(0, bytesRead), { finishFlush: constants.Z_SYNC_FLUSH });
    return start.toString('latin1', 0, headBytes);
  } finally {
    await handle.close();
  }
}

/**
 * The file that came after `current`, which has been rotated away; undefined while it is still the live one. When it
 * is gone altogether, the oldest that is left.
 */
export async function nextLogFile(path: string, current: LogFile | undefined): Promise<LogFile | undefined> {
  if (current && (await inodeOf(path)) === current.inode) return undefined;
  const head = current ? await headOf(current) : '';
  let next = path;
  for (const name of await rotatedFiles(path)) {
    if (current && ((await inodeOf(name)) === current.inode || (head !== '' && (await headAt(name)) === head))) break;
    next = name;
  }
  return openFile(next);
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Where reading has to begin so that the last `lines` lines of the wanted streams come. */
export async function findTail(
  files: readonly LogFile[],
  lines: number,
  wanted: (stderr: boolean) => boolean,
): Promise<{ file: number; offset: number }> {
  // An unfinished last line counts as one; below it every full entry ends a line.
  let found = 0;
  const unfinished = new Set([true, false]);
  for (let file = files.length - 1; file >= 0; file -= 1) {
    const opened = files[file];
    if (!opened) continue;
    for await (const { line, end } of linesBackwards(opened)) {
      const entry = parseEntry(line);
      if (!entry || !wanted(entry.stderr)) continue;
      if (entry.full || unfinished.has(entry.stderr)) found += 1;
      unfinished.delete(entry.stderr);
      if (found > lines) return { file, offset: end };
    }
  }
  return { file: 0, offset: 0 };
}

const blockBytes = 64 * 1024;

/** Lines of a file from the last to the first, with the offset behind each. */
async function* linesBackwards({ handle, sizeBytes }: LogFile): AsyncGenerator<{ line: Buffer; end: number }> {
  let position = sizeBytes;
  let tail: Buffer = Buffer.alloc(0);
  while (position > 0) {
    const length = Math.min(blockBytes, position);
    position -= length;
    const block = Buffer.alloc(length);
    const { bytesRead } = await handle.read(block, 0, length, position);
    const text = Buffer.concat([block.subarray(0, bytesRead), tail]);
    let end = text.length;
    // `lastIndexOf` from two before the end: the line's own end does not count.
    for (let cut = text.lastIndexOf(0x0a, end - 2); end > 1 && cut >= 0; cut = text.lastIndexOf(0x0a, end - 2)) {
      yield { line: text.subarray(cut + 1, end), end: position + end };
      end = cut + 1;
      if (end < 2) break;
    }
    tail = text.subarray(0, end);
  }
  if (tail.length > 0) yield { line: tail, end: tail.length };
}
