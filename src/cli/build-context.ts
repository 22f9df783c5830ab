import { join } from 'node:path';
import { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { isRemote } from '../compose/source/git-reference.ts';
import { type OpenContext, openContext } from '../context/open-context.ts';
import { emptyDirectory, fetchAddress, fetchRepository } from './build-inputs.ts';

/**
 * The context that `build` was given: a directory, a git repository, the address of an archive or build file, or `-` for
 * an archive (or a lone build file) on standard input. Throws BUILD_CONTEXT, BUILD_FILE_MISSING, USAGE.
 */
export async function openBuildContext(
  context: string,
  options: {
    readonly file: string | undefined;
    readonly text: string | undefined;
    readonly beside?: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
  },
): Promise<OpenContext> {
  if (isRemote(context)) return openRepository(await fetchRepository(context), options);
  if (/^https?:\/\//.test(context)) return openStream(await fetchAddress(context, options.signal), context, options);
  if (context !== '-')
    return openContext(context, { ...options, file: options.text === undefined ? options.file : undefined });
  if (options.text !== undefined)
    throw new IechorError('USAGE', 'context and build file cannot both be standard input');
  return openStream(process.stdin, 'standard input', options);
}

type Options = Parameters<typeof openBuildContext>[1];

/** Build files are named from the repository's own directory. */
function openRepository(directory: string, { file, ...options }: Options): OpenContext {
  return openContext(directory, { ...options, ...(file !== undefined && { file: join(directory, file) }) });
}

async function openStream(input: AsyncIterable<Buffer>, shown: string, options: Options): Promise<OpenContext> {
  const [head, rest] = await peek(input);
  if (isArchive(head)) {
    if (Object.keys(options.beside ?? {}).length > 0) {
      throw new IechorError('NOT_SUPPORTED', `directories beside the archive from ${shown} are not supported`, {
        hint: 'unpack it, and name its directory',
      });
    }
    return { dockerfile: options.file ?? '', tar: Readable.from(joined(head, rest)) };
  }
  const parts: Buffer[] = [head];
  let sizeBytes = 0;
  for await (const part of rest) {
    sizeBytes += part.length;
    if (sizeBytes > maxFileBytes) throw new IechorError('BUILD_CONTEXT', `${shown} is neither archive nor build file`);
    parts.push(part);
  }
  const empty = emptyDirectory();
  const { dockerfile, tar } = openContext(empty.path, {
    ...options,
    file: undefined,
    text: String(Buffer.concat(parts)),
  });
  tar.once('close', empty.remove);
  return { dockerfile, tar };
}

const maxFileBytes = 16 << 20;

function isArchive(head: Buffer): boolean {
  const begins = (...bytes: number[]) => head.subarray(0, bytes.length).equals(Buffer.from(bytes));
  const isCompressed =
    begins(0x1f, 0x8b) || begins(0x42, 0x5a, 0x68) || begins(0xfd, 0x37, 0x7a, 0x58) || begins(0x28, 0xb5, 0x2f, 0xfd);
  return isCompressed || head.subarray(257, 262).toString('latin1') === 'ustar';
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
