import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, utimes } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../common/error.ts';
import { gitSource } from './add-git.ts';
import type { StepContext } from './build-context.ts';
import type { Download } from './download.ts';
import { statOf } from './files/file-stat.ts';
import { syntaxError } from './language/syntax-error.ts';
import type { InstructionOf } from './language/types.ts';
import { expandIn } from './metadata.ts';

export const isGitSource = (source: string): boolean =>
  /^(git:\/\/|git@|ssh:\/\/)/.test(source) || /^https?:\/\/[^#?]+\.git([#?]|$)/.test(source);
export const isRemoteSource = (source: string): boolean => /^https?:\/\//.test(source);

const maxBytes = 16 * 1024 ** 3;

/** ADD of a URL: the file with mode 0600 and the server's time, checked where a checksum is given; of a repository: its files. */
export async function downloadSource(
  url: string,
  instruction: InstructionOf<'ADD'> | InstructionOf<'COPY'>,
  context: StepContext,
): Promise<Download> {
  const refuse = (message: string, hint?: string, cause?: unknown): never => {
    throw syntaxError(message, { ...instruction, code: 'BUILD_FAILED', hint, cause });
  };
  if (instruction.name === 'ADD' && isGitSource(url)) return gitSource(url, instruction, context);
  const name = nameIn(url);
  const path = join(context.build.scratch.newDir('large'), name);
  const hash = createHash('sha256');
  try {
    const response = await request(url, context.build.signal);
    if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);
    const count = counting((chunk) => hash.update(chunk));
    await pipeline(Readable.fromWeb(response.body as never), count, createWriteStream(path, { flags: 'wx' }));
    await chmod(path, 0o600);
    const time = new Date(Date.parse(response.headers.get('last-modified') ?? '') || 0);
    await utimes(path, time, time);
  } catch (error) {
    context.build.signal.throwIfAborted();
    refuse(`cannot fetch ${url}: ${messageOf(error)}`, undefined, error);
  }
  const digest = `sha256:${hash.digest('hex')}`;
  const wanted = instruction.name === 'ADD' ? expandIn(context, instruction.checksum ?? '') : '';
  if (wanted !== '' && wanted !== digest) refuse(`the checksum of ${url} is ${digest}, not ${wanted}`);
  context.build.materials.set(url, { uri: url, digest });
  const stat = statOf(path);
  const planned = { name, isDirectory: false, entries: [{ path: '', from: path, stat, onTheWay: false }] };
  return { digest, open: async () => [planned] };
}

/** A user and a password in the address become a header, as everywhere; other hosts get them through no redirect. */
function request(url: string, signal: AbortSignal): Promise<Response> {
  const address = new URL(url);
  const { username, password } = address;
  address.username = '';
  address.password = '';
  const plain = [username, password].map(decodeURIComponent).join(':');
  const authorization = `Basic ${Buffer.from(plain).toString('base64')}`;
  return fetch(address, { signal, redirect: 'follow', ...(plain !== ':' && { headers: { authorization } }) });
}

/** The last part of the path, its escapes read; never one that leads elsewhere. */
function nameIn(url: string): string {
  const { pathname } = new URL(url);
  let decoded = pathname;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    // escapes of no text: the name as it is written
  }
  const name = posix.basename(decoded);
  return ['', '.', '..'].includes(name) || name.includes('\0') ? '__unnamed__' : name;
}

function counting(onChunk: (chunk: Buffer) => void): Transform {
  let total = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      total += chunk.length;
      onChunk(chunk);
      done(total > maxBytes ? new Error(`it is larger than ${maxBytes} bytes`) : null, chunk);
    },
  });
}
