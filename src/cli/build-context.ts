import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { openContext } from '../context/pack.ts';

/**
 * The context that `build` was given: a directory, or `-` for a tar archive (or a lone build file) on standard input.
 * Throws BUILD_CONTEXT, BUILD_FILE_MISSING, USAGE.
 */
export async function openBuildContext(
  context: string,
  options: { file: string | undefined; text: string | undefined; signal: AbortSignal },
): Promise<{ dockerfile: string; tar: Readable }> {
  if (/^(https?|git|ssh):\/\/|^git@/.test(context)) {
    throw new IechorError('NOT_SUPPORTED', `the context "${context}" is remote, which is not supported yet`, {
      hint: 'fetch it first, and name the directory',
    });
  }
  if (context !== '-')
    return openContext(context, { ...options, file: options.text === undefined ? options.file : undefined });
  if (options.text !== undefined)
    throw new IechorError('USAGE', 'context and build file cannot both be standard input');
  const [head, rest] = await peek(process.stdin);
  const isArchive = head.subarray(257, 262).toString('latin1') === 'ustar';
  const isCompressed =
    head.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b])) ||
    head.subarray(0, 3).toString('latin1') === 'BZh' ||
    head.subarray(0, 6).equals(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]));
  if (isArchive || isCompressed) return { dockerfile: options.file ?? '', tar: Readable.from(joined(head, rest)) };
  const parts: Buffer[] = [head];
  for await (const part of rest) parts.push(part);
  const empty = mkdtempSync(join(tmpdir(), 'iechor-context-'));
  const opened = openContext(empty, { signal: options.signal, text: Buffer.concat(parts).toString('utf8') });
  opened.tar.once('close', () => rmSync(empty, { recursive: true, force: true }));
  return opened;
}

/** At least one header block of the input (less where it is shorter), and what follows. */
async function peek(input: AsyncIterable<Buffer>): Promise<[head: Buffer, rest: AsyncIterable<Buffer>]> {
  const iterator = input[Symbol.asyncIterator]();
  const parts: Buffer[] = [];
  let size = 0;
  while (size < 512) {
    const { done, value } = await iterator.next();
    if (done) break;
    parts.push(value);
    size += value.length;
  }
  return [Buffer.concat(parts), { [Symbol.asyncIterator]: () => iterator }];
}

async function* joined(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* rest;
}
