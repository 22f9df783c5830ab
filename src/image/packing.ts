import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { IechorError } from '../common/error.ts';
import { mediaTypes } from './media-types.ts';
import type { Descriptor, Digest } from './types.ts';

/** How layers are packed that are handed on in another way than a push does it. */
export interface Packing {
  readonly compression: 'gzip' | 'zstd' | 'uncompressed';
  readonly level: number | undefined;
  /** Also layers that are stored packed another way. */
  readonly force: boolean;
}

const levels = { gzip: 9, zstd: 22, uncompressed: -1 } as const;
const mediaTypeOf = { gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd, uncompressed: mediaTypes.layer } as const;
const wrong = (message: string, hint?: string) => new IechorError('BAD_REQUEST', message, { hint });

/** Reads `compression`, `compression-level` and `force-compression`. Throws BAD_REQUEST, NOT_SUPPORTED. */
export function readPacking(attrs: Readonly<Record<string, string>>): Packing {
  const { compression = 'gzip', 'compression-level': text } = attrs;
  if (compression !== 'gzip' && compression !== 'zstd' && compression !== 'uncompressed') {
    throw new IechorError('NOT_SUPPORTED', `layers cannot be packed with ${JSON.stringify(compression)}`, {
      hint: 'compression=gzip, zstd or uncompressed',
    });
  }
  const level = text === undefined ? undefined : Number(text);
  if (level !== undefined && !(Number.isInteger(level) && level >= 0 && level <= levels[compression])) {
    throw wrong(`${compression} has no level ${JSON.stringify(text)}`, 'gzip: 0 to 9, zstd: 0 to 22');
  }
  return { compression, level, force: readSwitch(attrs, 'force-compression', false) };
}

/** An attribute that is true or false. Throws BAD_REQUEST. */
export function readSwitch(attrs: Readonly<Record<string, string>>, name: string, usual: boolean): boolean {
  const value = attrs[name];
  if (value === undefined) return usual;
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw wrong(`${name}=${value} is neither true nor false`);
}

/** Whether an archive is packed in a way that was asked for. */
export const suits = ({ mediaType }: Descriptor, { compression, level, force }: Packing): boolean =>
  !force || (mediaType === mediaTypeOf[compression] && level === undefined);

/** Packs a layer's plain archive into a new file. */
export async function packArchive(
  archive: Readable,
  {
    packing,
    path,
    signal,
  }: { readonly packing: Packing; readonly path: string; readonly signal?: AbortSignal | undefined },
): Promise<Descriptor> {
  const hash = createHash('sha256');
  let size = 0;
  const measured = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      size += chunk.length;
      hash.update(chunk);
      yield chunk;
    }
  };
  const file = createWriteStream(path, { mode: 0o600 });
  await pipeline(archive, packer(packing), measured, file, { ...(signal && { signal }) });
  const digest: Digest = `sha256:${hash.digest('hex')}`;
  return { mediaType: mediaTypeOf[packing.compression], digest, size };
}

function packer({ compression, level }: Packing) {
  if (compression === 'uncompressed') return new PassThrough();
  if (compression === 'gzip') return createGzip(level === undefined ? {} : { level });
  return createZstdCompress(level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } });
}
