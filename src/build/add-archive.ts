import { closeSync, constants, createReadStream, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable, type Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { closeAll, pipe } from '../host/fds.ts';
import { spawnProcess } from '../host/processes.ts';
import { detectCompression } from '../image/decompress.ts';
import { decodedByProgram } from '../image/program-decoder.ts';
import { applyTar } from '../image/tar-apply.ts';
import { decodeHeader } from '../image/tar-format.ts';
import { createZstdFrames } from '../image/zstd-frames.ts';
import { type CopyTarget, makeDirectories } from './files/copy-tree.ts';
import { resolveInRoot } from './files/root-path.ts';

/**
 * Unpacks a tar archive (plain, gzip, bzip2, xz or zstd, by content) into the target; false where it is none. As with
 * Docker the target is the archive's root: its links lead nowhere else.
 */
export async function unpackIfArchive(path: string, target: CopyTarget): Promise<boolean> {
  const open = await openerOf(path, target.signal);
  if (!open) return false;
  const to = resolveInRoot(target.root, target.destination);
  makeDirectories(target.root, to, { owner: target.owner });
  const options = {
    root: to,
    ...(target.owner && { owner: { uid: target.owner.uid, gid: target.owner.gid } }),
    devices: 'make' as const,
    mayReplaceDirectories: true,
    asAdded: true,
  };
  await applyTar(open(), options, target.signal);
  return true;
}

const blockSize = 512;

/** What opens the archive without its compression; undefined where it is no archive. */
async function openerOf(path: string, signal: AbortSignal): Promise<(() => Readable) | undefined> {
  const ways = [() => openPlain(path)];
  // Our own decoder gives nothing of what has garbage behind it; gzip warns of it and goes on.
  if (detectCompression(readHead(path)) === 'gzip') ways.push(() => gunzipLeniently(path, signal));
  for (const open of ways) if (await isArchive(open())) return open;
  return undefined;
}

async function isArchive(stream: Readable): Promise<boolean> {
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      head = Buffer.concat([head, chunk as Buffer]);
      if (head.length >= blockSize) break;
    }
    if (head.length < blockSize) return false;
    decodeHeader(head.subarray(0, blockSize));
    return true;
  } catch {
    return false; // damaged or something else: then it is a file like any other
  } finally {
    stream.destroy();
  }
}

/** The file without its compression. */
function openPlain(path: string): Readable {
  const compression = detectCompression(readHead(path));
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  const decoded = (decoder: Transform): Readable => {
    file.on('error', (error) => decoder.destroy(error));
    decoder.on('close', () => file.destroy());
    return file.pipe(decoder);
  };
  switch (compression) {
    case 'none':
      return file;
    case 'gzip':
      return decoded(createGunzip());
    case 'zstd':
      return decoded(createZstdFrames({ lenient: true }));
    default:
      return Readable.from(decodedByProgram(compression, file), { objectMode: false });
  }
}

function readHead(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const head = Buffer.alloc(6);
    return head.subarray(0, readSync(fd, head, 0, head.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** gzip by its absolute path; nothing of the context or the image is run. */
function gunzipLeniently(path: string, signal: AbortSignal): Readable {
  const input = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const nothing = openSync('/dev/null', constants.O_WRONLY);
  const output = pipe();
  try {
    const child = spawnProcess({ command: '/bin/gzip', args: ['-dc'], stdio: [input, output.write, nothing] });
    const stop = () => child.kill(9);
    signal.addEventListener('abort', stop, { once: true });
    const stream = new Socket({ fd: output.read, readable: true, writable: false });
    stream.on('close', () => {
      signal.removeEventListener('abort', stop);
      stop();
    });
    return stream;
  } catch (error) {
    closeAll(output.read);
    throw error;
  } finally {
    closeAll(input, nothing, output.write);
  }
}
