import { IechorError, messageOf } from '../common/error.ts';

/** What a stream that stands for a context turns out to be: an archive, or the text of a build file. */
export type ArchiveOrText = { readonly archive: AsyncIterable<Buffer> } | { readonly text: Buffer };

/** Longest text that is taken for a build file. */
const maxTextBytes = 16 << 20;
const blockBytes = 512;
/** First bytes of gzip, bzip2, xz and zstd. */
const magics = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd'].map((hex) => Buffer.from(hex, 'hex'));

/** Looks at the beginning of a stream. `shown` names it in the BUILD_CONTEXT of a long one that is neither. */
export async function archiveOrText(input: AsyncIterable<Uint8Array>, shown: string): Promise<ArchiveOrText> {
  const iterator = input[Symbol.asyncIterator]();
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  const next = async (): Promise<boolean> => {
    const { done, value } = await iterator.next();
    if (done) return false;
    parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    sizeBytes += value.byteLength;
    return true;
  };
  let goesOn = true;
  while (goesOn && sizeBytes < blockBytes) goesOn = await next();
  const head = Buffer.concat(parts);
  if (isArchive(head)) return { archive: joined(head, iterator) };
  while (goesOn) {
    if (sizeBytes > maxTextBytes) throw new IechorError('BUILD_CONTEXT', `${shown} is neither archive nor build file`);
    goesOn = await next();
  }
  return { text: Buffer.concat(parts) };
}

const isArchive = (head: Buffer): boolean =>
  head.toString('latin1', 257, 262) === 'ustar' || magics.some((magic) => head.subarray(0, magic.length).equals(magic));

async function* joined(head: Buffer, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer> {
  yield head;
  for await (const part of { [Symbol.asyncIterator]: () => rest }) yield Buffer.from(part);
}

/** What an address of the web gives. Throws BUILD_CONTEXT. */
export async function fetchContext(url: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const shown = url.replace(/\/\/[^@/\s]*@/, '//');
  const response = await fetch(url, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new IechorError('BUILD_CONTEXT', `cannot fetch ${shown}: ${messageOf(error)}`, { cause: error });
  });
  if (!response.ok || !response.body) {
    throw new IechorError('BUILD_CONTEXT', `cannot fetch ${shown}: the server answered ${response.status}`);
  }
  return response.body;
}
