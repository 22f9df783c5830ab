import { Readable } from 'node:stream';
import { codeOf, type IechorError } from '../common/error.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import { backOffMs, pause } from './patience.ts';
import { failure, messageIn, type Repository } from './repository.ts';
import { targetOf } from './session.ts';
import { drain, type HttpReply, interrupted, readBounded } from './transport.ts';

export interface UploadOptions {
  readonly descriptor: Descriptor;
  /** The blob's bytes from one on. */
  readonly open: (start: number) => Readable;
  /** Repositories of the same registry that have the blob, perhaps. */
  readonly mountFrom: readonly string[];
  readonly maxAttempts: number;
  /** Most bytes per request; default 64 MiB. */
  readonly pieceBytes?: number;
  readonly onBytes: (position: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export type UploadResult = { readonly how: 'exists' | 'uploaded' } | { readonly how: 'mounted'; readonly from: string };

/** Larger blobs go in pieces, so that a broken connection costs one of them. */
const usualPieceBytes = 64 * 1024 ** 2;
/** A registry may take its time to put a blob together. */
const quietMs = 300_000;

/** Brings a blob into a repository, unless it is there or can be taken over from another one. Throws REGISTRY_*. */
export async function uploadBlob(repository: Repository, options: UploadOptions): Promise<UploadResult> {
  const { descriptor, mountFrom } = options;
  if (await repository.hasBlob(descriptor.digest)) return { how: 'exists' };
  let location: URL | undefined;
  for (const from of mountFrom) {
    const begun = await begin(repository, { mount: descriptor.digest, from });
    if (begun === 'mounted') return { how: 'mounted', from };
    location = begun;
    if (location) break;
  }
  await send(repository, location, options);
  return { how: 'uploaded' };
}

/** Takes a blob over from one of the repositories of the same registry; false where none of them gives it. */
export async function mountBlob(repository: Repository, digest: Digest, from: readonly string[]): Promise<boolean> {
  for (const source of from) {
    const begun = await begin(repository, { mount: digest, from: source });
    if (begun === 'mounted') return true;
    // The registry has begun an upload in its place, which nobody is going to make.
    if (begun) await drain(await repository.request({ method: 'DELETE', path: begun }));
  }
  return false;
}

/** Where to send an upload; `mounted` where there is no need to. Undefined where the other repository is not ours to read. */
async function begin(
  repository: Repository,
  mount?: { readonly mount: string; readonly from: string },
): Promise<URL | 'mounted' | undefined> {
  const query = mount ? `?${new URLSearchParams(mount)}` : '';
  const asked = { method: 'POST' as const, path: `/v2/${repository.path}/blobs/uploads/${query}` };
  try {
    const reply = await repository.request({
      ...asked,
      body: () => new Uint8Array(),
      ...(mount && { mountFrom: mount.from }),
    });
    if (reply.status === 201 && mount) {
      await drain(reply);
      return 'mounted';
    }
    if (reply.status === 202) return await locationOf(repository, reply);
    if (mount) {
      await drain(reply);
      return undefined;
    }
    throw await unexpected(repository, reply);
  } catch (error) {
    if (mount && codeOf(error) === 'REGISTRY_DENIED') return undefined;
    throw error;
  }
}

async function locationOf(repository: Repository, reply: HttpReply): Promise<URL> {
  await drain(reply);
  return targetOf(reply, repository.session.endpoint);
}

async function unexpected(repository: Repository, reply: HttpReply): Promise<IechorError> {
  const said = messageIn(await readBounded(reply, 64 * 1024).catch(() => Buffer.alloc(0)));
  return failure(repository.session, repository.path, reply.status, said);
}

/** Sends a blob over as many connections as it takes; each must bring it on, or one of the attempts is used up. */
async function send(repository: Repository, first: URL | undefined, options: UploadOptions): Promise<void> {
  const { descriptor, maxAttempts, onBytes, signal, pieceBytes = usualPieceBytes } = options;
  let location = first;
  let offset = 0;
  for (let fruitless = 0; ; ) {
    const before = offset;
    try {
      location ??= (await begin(repository)) as URL;
      while (descriptor.size - offset > pieceBytes) {
        const length = pieceBytes;
        location = await sendPiece(repository, location, { ...options, offset, length });
        offset += length;
        onBytes(offset);
      }
      return await finish(repository, location, { ...options, offset });
    } catch (error) {
      if (signal?.aborted) throw interrupted();
      if (!mayPass(error)) throw error;
      const state: { location?: URL; offset: number } = location
        ? await progressOf(repository, location)
        : { offset: 0 };
      ({ offset, location } = { location: undefined, ...state });
      if (offset > descriptor.size) [offset, location] = [0, undefined];
      fruitless = offset > before ? 0 : fruitless + 1;
      if (fruitless >= maxAttempts) throw error;
      await pause(backOffMs(fruitless + 1, Math.random()), signal);
    }
  }
}

interface Piece extends UploadOptions {
  readonly offset: number;
}

async function sendPiece(
  repository: Repository,
  location: URL,
  piece: Piece & { readonly length: number },
): Promise<URL> {
  const { offset, length, open, onBytes, signal } = piece;
  const reply = await repository.request({
    ...{ method: 'PATCH', path: location, quietMs, retry: false, signal },
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Range': `${offset}-${offset + length - 1}` },
    body: () => ({
      stream: counted(open(offset), { length, onBytes: (count) => onBytes(offset + count) }),
      size: length,
    }),
  });
  if (reply.status === 202 || reply.status === 204) return locationOf(repository, reply);
  throw await unexpected(repository, reply);
}

/** The last piece, and the digest of the whole. */
async function finish(repository: Repository, location: URL, piece: Piece): Promise<void> {
  const { offset, open, onBytes, descriptor, signal } = piece;
  const length = descriptor.size - offset;
  const url = new URL(location);
  url.searchParams.set('digest', descriptor.digest);
  const reply = await repository.request({
    ...{ method: 'PUT', path: url, quietMs, retry: false, signal },
    headers: {
      'Content-Type': 'application/octet-stream',
      ...(offset > 0 && length > 0 && { 'Content-Range': `${offset}-${descriptor.size - 1}` }),
    },
    body: () =>
      length === 0
        ? new Uint8Array()
        : { stream: counted(open(offset), { length, onBytes: (count) => onBytes(offset + count) }), size: length },
  });
  if (reply.status !== 201 && reply.status !== 204) throw await unexpected(repository, reply);
  await drain(reply);
}

/** A broken connection, or a registry that has trouble of its own. */
function mayPass(error: unknown): boolean {
  if (codeOf(error) === 'REGISTRY_UNREACHABLE') return true;
  const cause = typeof error === 'object' && error !== null && 'cause' in error ? error.cause : undefined;
  const status = typeof cause === 'object' && cause !== null && 'status' in cause ? Number(cause.status) : 0;
  return status === 429 || status >= 500;
}

/** What has arrived of an upload. Nothing where the registry does not know it any more. */
async function progressOf(repository: Repository, location: URL): Promise<{ location?: URL; offset: number }> {
  const reply = await repository.request({ method: 'GET', path: location });
  await drain(reply);
  const [, end] = /^(?:bytes=)?0-([0-9]+)$/.exec(String(reply.headers.range ?? '')) ?? [];
  if (reply.status !== 204 || end === undefined) return { offset: 0 };
  const next = reply.headers.location === undefined ? location : targetOf(reply, repository.session.endpoint);
  // "0-0" is said of an empty upload, too.
  return { location: next, offset: end === '0' ? 0 : Number(end) + 1 };
}

/** The first `length` bytes of a stream. */
function counted(
  source: Readable,
  { length, onBytes }: { readonly length: number; readonly onBytes: (count: number) => void },
): Readable {
  let sent = 0;
  const take = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const part = chunk.subarray(0, length - sent);
      sent += part.length;
      if (part.length > 0) yield part;
      onBytes(sent);
      if (sent === length) return;
    }
  };
  return Readable.from(take(), { objectMode: false });
}

/** A small blob as a stream. */
export function bytesOf(content: Uint8Array): Readable {
  return Readable.from(content.length === 0 ? [] : [Buffer.from(content)], { objectMode: false });
}
