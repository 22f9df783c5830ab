import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { ApplyOptions } from './layer-tasks.ts';

/** Where the bytes come from. */
export interface ArchiveSource {
  chunks(): AsyncGenerator<Buffer>;
  grownPast(position: number): Promise<number>;
  taken(bytes: number): void;
  throwIfAborted(): void;
}

export const sourceChunkBytes = 512 * 1024;

/** What `options` names, or what comes through the port. */
export function sourceOf({ sourcePath, sourceGrows }: ApplyOptions, port: ArchiveSource): AsyncGenerator<Buffer> {
  if (sourcePath === undefined) return port.chunks();
  return sourceGrows ? chunksOfGrowing(sourcePath, port) : chunksOf(sourcePath, port.throwIfAborted);
}

/** A chunk is valid until the next. */
export async function* chunksOf(path: string, throwIfAborted: () => void = () => {}): AsyncGenerator<Buffer> {
  const fd = openSync(path, 'r');
  const chunk = Buffer.allocUnsafeSlow(sourceChunkBytes);
  try {
    for (;;) {
      const count = readSync(fd, chunk, 0, chunk.length, null);
      if (count === 0) return;
      yield chunk.subarray(0, count);
      // Lets a request to stop come through.
      await setImmediate();
      throwIfAborted();
    }
  } finally {
    closeSync(fd);
  }
}

/** The same of a file that is still being written. */
async function* chunksOfGrowing(path: string, port: ArchiveSource): AsyncGenerator<Buffer> {
  const fd = openSync(path, 'r');
  const chunk = Buffer.allocUnsafeSlow(sourceChunkBytes);
  try {
    for (let position = 0; ; ) {
      const size = await port.grownPast(position);
      port.throwIfAborted();
      if (size === position) return;
      const count = readSync(fd, chunk, 0, Math.min(chunk.length, size - position), position);
      if (count === 0) throw new Error(`${path} became shorter while it was read`);
      position += count;
      yield chunk.subarray(0, count);
      port.taken(count);
      await setImmediate();
    }
  } finally {
    closeSync(fd);
  }
}
