import { Readable } from 'node:stream';
import type { ByteStream } from '../api/streams.ts';
import { messageOf } from '../common/error.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import { refused } from './refused.ts';
import { tarEnd, tarFile } from './tar-writer.ts';

/** Longest text that is taken for a build file. */
const maxTextBytes = 4 << 20;

/** Whether an address is a repository's, by the forms that clients take for one. */
export const isGit = (url: string) => /^(git:|git@|ssh:|github\.com\/)|\.git(#.*)?$/.test(url);

/**
 * The context at an address: an archive as it is, or a text, which is the build file of an empty context. Read as it is
 * consumed. Throws GrpcError.
 */
export async function remoteContext(url: string, buildFile: string, signal: AbortSignal): Promise<ByteStream> {
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol)) throw refused(`the context ${url}`);
  const response = await fetch(parsed, { signal }).catch((error: unknown) => {
    throw new GrpcError(grpcCode.unknown, `failed to load ${url}: ${messageOf(error)}`);
  });
  if (!response.ok || !response.body) {
    throw new GrpcError(grpcCode.unknown, `invalid response status ${response.status} for ${url}`);
  }
  const parts = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  return Readable.from(archiveOf(parts, buildFile), { objectMode: false }).once('close', () => parts.destroy());
}

async function* archiveOf(parts: AsyncIterable<Uint8Array>, buildFile: string): AsyncGenerator<Uint8Array> {
  const begun: Uint8Array[] = [];
  let bytes = 0;
  let archive: boolean | undefined;
  for await (const part of parts) {
    if (archive) {
      yield part;
      continue;
    }
    begun.push(part);
    bytes += part.length;
    if (archive === undefined && bytes >= 512) archive = isArchive(Buffer.concat(begun));
    if (archive) yield* begun.splice(0);
    else if (bytes > maxTextBytes)
      throw new GrpcError(grpcCode.unknown, 'the remote context is neither archive nor text');
  }
  const rest = Buffer.concat(begun);
  if (archive || isArchive(rest)) yield rest;
  else yield* [tarFile(buildFile, rest), tarEnd];
}

/** First bytes of gzip, bzip2, xz and zstd. */
const magics = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd'].map((hex) => Buffer.from(hex, 'hex'));

const isArchive = (head: Buffer): boolean =>
  head.toString('latin1', 257, 262) === 'ustar' || magics.some((magic) => head.subarray(0, magic.length).equals(magic));
