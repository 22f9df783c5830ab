import { watch } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { codeOf } from '../common/error.ts';
import { parseEntry } from './log-format.ts';

/** An open file of a log; its identity outlives a rotation. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly inode: bigint;
  /** When it was opened. */
  readonly sizeBytes: number;
}

/** Opens the live file and the rotated ones (`log.1` is the newest of them), the oldest first. None where none is. */
export async function openLogFiles(path: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  for (const name of [path, ...(await rotatedFiles(path))]) {
    const file = await openFile(name);
    // A rotation in between shows one file under two names.
    if (file && files.some(({ inode }) => inode === file.inode)) await file.handle.close();
    else if (file) files.push(file);
  }
  return files.reverse();
}

/** Rotated names, the newest first. */
async function rotatedFiles(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  try {
    const numbers = (await readdir(dirname(path)))
      .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
      .map((name) => Number(name.slice(prefix.length)));
    return numbers.sort((a, b) => a - b).map((number) => `${path}.${number}`);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function openFile(path: string): Promise<LogFile | undefined> {
  try {
    const handle = await open(path, 'r');
    const { ino, size } = await handle.stat({ bigint: true });
    return { handle, inode: ino, sizeBytes: Number(size) };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The file that came after `current`, which has been rotated away; undefined while it is still the live one. When it
 * is gone altogether, the oldest that is left.
 */
export async function nextLogFile(path: string, current: LogFile | undefined): Promise<LogFile | undefined> {
  if (current && (await inodeOf(path)) === current.inode) return undefined;
  const files = await openLogFiles(path);
  const at = files.findIndex(({ inode }) => inode === current?.inode);
  const next = files[at + 1];
  await Promise.all(files.filter((file) => file !== next).map(({ handle }) => handle.close()));
  return next;
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

/** Tells of changes in a log's directory. Nothing that happens between two waits is missed. */
export interface LogWatch {
  changed(): Promise<void>;
  /** Lets a wait end. */
  wake(): void;
  close(): void;
}

export function watchLog(path: string): LogWatch {
  let dirty = false;
  let resolve = () => {};
  const wake = () => {
    dirty = true;
    resolve();
  };
  const watcher = watch(dirname(path), { persistent: false }, wake);
  // The directory goes with its container: the reader is woken and finds the end.
  watcher.on('error', wake);
  return {
    async changed() {
      if (!dirty) {
        await new Promise<void>((done) => {
          resolve = done;
        });
      }
      dirty = false;
    },
    wake,
    close: () => watcher.close(),
  };
}
