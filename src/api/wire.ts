import { IechorError } from '../common/error.ts';
import type { Frame } from './streams.ts';

/** Versions of the Docker Engine API that we speak. */
export const apiVersion = '1.51';
export const minApiVersion = '1.24';

export const contentType = {
  json: 'application/json',
  tar: 'application/x-tar',
  multiplexed: 'application/vnd.docker.multiplexed-stream',
  raw: 'application/vnd.docker.raw-stream',
  text: 'text/plain; charset=utf-8',
} as const;
export const pathStatHeader = 'X-Docker-Container-Path-Stat';
/** Longest header with a field of a request: base64 twice over makes 16 of 9 bytes. */
export const maxFieldHeaderBytes = 2 * 1024 * 1024;

/** Negative, zero or positive, as `1.9` comes before `1.24`. */
export function compareVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}

const streamNumber = { stdout: 1, console: 1, stderr: 2 } as const;
const headerBytes = 8;
/** Longest frame that is taken from a peer; Docker's own are at most 64 KiB. */
const maxFrameBytes = 16 * 1024 * 1024;

/** Docker's multiplexed form: stream number, three zeros, length (big endian), data. Entries of a log get one each. */
export function encodeFrame({ stream, data, ends = [data.byteLength] }: Frame): Buffer {
  const out = Buffer.allocUnsafe(headerBytes * ends.length + data.byteLength);
  let start = 0;
  let at = 0;
  for (const end of ends) {
    out.writeUInt32BE(streamNumber[stream] << 24, at);
    out.writeUInt32BE(end - start, at + 4);
    out.set(data.subarray(start, end), at + headerBytes);
    at += headerBytes + end - start;
    start = end;
  }
  return out;
}

/** Splits a multiplexed stream into frames; large ones come in pieces. Throws ENGINE_ERROR on anything else. */
export async function* decodeFrames(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  let left = 0;
  let stream: Frame['stream'] = 'stdout';
  for await (const chunk of bytes) {
    rest =
      rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk]);
    for (;;) {
      if (left === 0) {
        if (rest.length < headerBytes) break;
        ({ stream, left } = decodeHeader(rest));
        rest = rest.subarray(headerBytes);
        continue;
      }
      if (rest.length === 0) break;
      const data = rest.subarray(0, left);
      rest = rest.subarray(data.length);
      left -= data.length;
      yield { stream, data };
    }
  }
  if (left > 0 || rest.length > 0) throw new IechorError('ENGINE_ERROR', 'the engine broke its output off in a frame');
}

function decodeHeader(header: Buffer): { stream: Frame['stream']; left: number } {
  const number = header[0];
  const left = header.readUInt32BE(4);
  if ((number !== 0 && number !== 1 && number !== 2) || left > maxFrameBytes) {
    throw new IechorError('ENGINE_ERROR', 'the engine sent output that is no multiplexed stream');
  }
  return { stream: number === 2 ? 'stderr' : 'stdout', left };
}

/** The documents of a stream of JSON lines; the last one may lack its line end. */
export async function* decodeLines<T>(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of bytes) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield parseLine<T>(line);
  }
  text += decoder.decode();
  if (text.trim() !== '') yield parseLine<T>(text);
}

function parseLine<T>(line: string): T {
  try {
    return JSON.parse(line) as T;
  } catch (cause) {
    throw new IechorError('ENGINE_ERROR', 'the engine sent a line that is not JSON', { cause });
  }
}
