import { type LogFile, nextLogFile, openLogFiles } from './log-files.ts';
import { watchLog } from './log-watch.ts';

export interface LogWalk {
  readonly path: string;
  /** Resolves when nothing will be written any more; undefined: what is there is all that is wanted. */
  readonly end?: Promise<unknown> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where to begin: which of the files (the oldest is 0), and how far into it. */
  begin(files: readonly LogFile[]): { file: number; offset: number } | Promise<{ file: number; offset: number }>;
}

/** A stretch of one file of a log. */
export interface LogChunk {
  readonly data: Buffer;
  readonly file: LogFile;
  /** Where it ends in its file. */
  readonly offset: number;
}

const chunkBytes = 64 * 1024;

/** The content of a log's files, the oldest first. With `end` it goes on, across rotations, until that resolves. */
export async function* walkLog({ path, end, signal, begin }: LogWalk): AsyncGenerator<LogChunk> {
  const log = end && watchLog(path);
  let ended = end === undefined;
  const stop = () => {
    ended = true;
    log?.wake();
  };
  void end?.then(stop);
  signal?.addEventListener('abort', stop, { once: true });
  const files = await openLogFiles(path);
  try {
    const start = await begin(files);
    for (const { handle } of files.splice(0, start.file)) await handle.close();
    for (let offset = start.offset; ; offset = 0) {
      const file = files[0];
      const isLast = files.length < 2;
      if (file) {
        // What is written while it is read would be no end to it, where a container writes fast.
        const limit = end ? Number.POSITIVE_INFINITY : file.sizeBytes;
        for await (const chunk of chunks(file, { offset, limit, more: () => isLast && waitForMore(file) })) {
          if (signal?.aborted) return;
          yield { ...chunk, file };
        }
      }
      const next = isLast && log ? await nextLogFile(path, file) : undefined;
      await files.shift()?.handle.close();
      if (!isLast) continue;
      if (next) files.push(next);
      else if (ended || file) return;
      else await log?.changed();
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    log?.close();
    await Promise.all(files.map(({ handle }) => handle.close()));
  }

  /** At the end of the file: true when it may hold more, false when it is over (rotated away and read, or the end). */
  async function waitForMore(file: LogFile): Promise<boolean> {
    if (ended || signal?.aborted || !log) return false;
    const next = await nextLogFile(path, file);
    if (next) {
      await next.handle.close();
      return false;
    }
    await log.changed();
    return true;
  }
}

/** Content of a file from an offset on. At its end `more` says whether to try again; what came meanwhile is read. */
async function* chunks(
  { handle }: LogFile,
  { offset, limit, more }: { offset: number; limit: number; more(): Promise<boolean> | false },
): AsyncGenerator<{ data: Buffer; offset: number }> {
  let position = offset;
  let last = false;
  for (;;) {
    const length = Math.max(0, Math.min(chunkBytes, limit - position));
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(chunkBytes), 0, length, position);
    position += bytesRead;
    if (bytesRead > 0) yield { data: buffer.subarray(0, bytesRead), offset: position };
    else if (last) return;
    // One more look after `more` has said no: a writer may have been between the read and the answer.
    else last = !(await more());
  }
}
