import { kindOf } from './file-mode.ts';
import type { Channel } from './grpc/client.ts';
import type { DraftOf, MessageOf } from './grpc/protobuf.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import { packet, packetType, type stat } from './messages/session.ts';
import type { ClientSession } from './sessions.ts';

export type FileStat = MessageOf<typeof stat>;

/** A file, directory or link that the client sends. `sizeBytes` is that of the content, which may be read once. */
export interface SentEntry {
  readonly stat: FileStat;
  readonly sizeBytes: number;
  readonly content: AsyncIterable<Uint8Array>;
}

export interface TreeRequest {
  /** Name under which the client knows the directory: `context`, `dockerfile`, or that of a named context. */
  readonly dir: string;
  readonly followPaths?: readonly string[];
  readonly exclude?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** Learns of bytes as they arrive. */
  readonly onBytes?: (count: number) => void;
}

type Packet = MessageOf<typeof packet>;
const path = '/moby.filesync.v1.FileSync/DiffCopy';

/** Content of files up to this size is asked for ahead; a larger one is read while it is passed on. */
const smallBytes = 64 << 10;
const maxAhead = 16;
/** What descriptions of files may take that wait for the content of those before them. */
const maxWaitingBytes = 128 << 20;

/**
 * A directory of the client, entry by entry in its order (parents first), as `fsutil` sends it: descriptions, then
 * the contents that are asked for. Memory is bounded: content waits at the client until it is read. Throws GrpcError.
 */
export async function* receiveTree(session: ClientSession, request: TreeRequest): AsyncGenerator<SentEntry> {
  const channel = session.grpc.open({
    path,
    sends: packet,
    receives: packet,
    headers: treeHeaders(request),
    signal: request.signal,
  });
  const transfer = new Transfer(channel, request.onBytes);
  try {
    for (let entry = await transfer.next(); entry; entry = await transfer.next()) yield entry;
    await transfer.finish();
  } finally {
    channel.cancel();
  }
}

function treeHeaders({ dir, followPaths = [], exclude = [] }: TreeRequest): Record<string, string | string[]> {
  return {
    'dir-name': dir,
    ...listHeader('followpaths', followPaths),
    ...listHeader('exclude-patterns', exclude),
  };
}

/** Values beyond ASCII are escaped as in a query, and a second header says so. */
function listHeader(name: string, values: readonly string[]): Record<string, string | string[]> {
  if (values.length === 0) return {};
  if (values.every((value) => /^[\x20-\x7e]*$/.test(value))) return { [name]: [...values] };
  return { [name]: values.map((value) => encodeURIComponent(value)), [`${name}-encoded`]: '1' };
}

interface Incoming {
  readonly stat: FileStat;
  readonly id: number;
  readonly chunks: Uint8Array[];
  asked: boolean;
  receivedBytes: number;
  complete: boolean;
}

class Transfer {
  readonly #channel: Channel<DraftOf<typeof packet>, Packet>;
  readonly #packets: AsyncIterator<Packet>;
  readonly #onBytes: (count: number) => void;
  #entries: Incoming[] = [];
  #first = 0;
  /** Entries that were asked for and are not complete. */
  readonly #asked = new Map<number, Incoming>();
  #waitingBytes = 0;
  #walkEnded = false;
  #nextId = 0;

  constructor(channel: Channel<DraftOf<typeof packet>, Packet>, onBytes: (count: number) => void = () => {}) {
    this.#channel = channel;
    this.#packets = channel.received[Symbol.asyncIterator]();
    this.#onBytes = onBytes;
  }

  async next(): Promise<SentEntry | undefined> {
    while (this.#first === this.#entries.length && !this.#walkEnded) await this.#pump();
    const entry = this.#entries[this.#first];
    if (!entry) return undefined;
    await this.#askAhead();
    this.#first++;
    this.#waitingBytes -= weightOf(entry.stat);
    if (this.#first > 1024 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    if (isSmall(entry)) while (!entry.complete) await this.#pump();
    const sizeBytes = isSmall(entry) ? entry.receivedBytes : entry.stat.size;
    return { stat: entry.stat, sizeBytes: hasContent(entry.stat) ? sizeBytes : 0, content: this.#content(entry) };
  }

  /** Tells the client that everything has arrived, and waits for its good-bye. */
  async finish(): Promise<void> {
    await this.#channel.send({ type: packetType.finish });
    for (;;) {
      const { done, value } = await this.#packets.next();
      if (done || value.type === packetType.finish) return;
      if (value.type === packetType.error) throw failure(value);
    }
  }

  async *#content(entry: Incoming): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield* entry.chunks.splice(0);
      if (entry.complete) return;
      await this.#pump();
    }
  }

  /** Asks for the content of the entry at the front, and of small files behind it. */
  async #askAhead(): Promise<void> {
    for (let at = this.#first; at < this.#entries.length && this.#asked.size < maxAhead; at++) {
      const entry = this.#entries[at];
      if (!entry || (at > this.#first && !isSmall(entry))) return;
      if (entry.asked) continue;
      entry.asked = true;
      this.#asked.set(entry.id, entry);
      await this.#channel.send({ type: packetType.request, id: entry.id });
    }
  }

  async #pump(): Promise<void> {
    const { done, value } = await this.#packets.next();
    if (done) throw new GrpcError(grpcCode.unavailable, 'the client stopped sending files');
    if (value.type === packetType.error) throw failure(value);
    if (value.type === packetType.stat) this.#takeStat(value.stat);
    else if (value.type === packetType.data) this.#takeData(value);
  }

  #takeStat(given: FileStat | undefined): void {
    if (!given) {
      this.#walkEnded = true;
      return;
    }
    checkPath(given.path);
    this.#waitingBytes += weightOf(given);
    if (this.#waitingBytes > maxWaitingBytes) {
      throw new GrpcError(
        grpcCode.resourceExhausted,
        'the build context has too many files: exclude some (.dockerignore)',
      );
    }
    const asked = !hasContent(given);
    this.#entries.push({ stat: given, id: this.#nextId++, chunks: [], asked, receivedBytes: 0, complete: asked });
    this.#onBytes(given.path.length + 20);
  }

  #takeData({ id, data }: Packet): void {
    const entry = this.#asked.get(id);
    if (!entry) throw new GrpcError(grpcCode.invalidArgument, `the client sent a file that was not asked for (${id})`);
    this.#onBytes(data.length);
    entry.receivedBytes += data.length;
    const limit = isSmall(entry) ? smallBytes * 2 : entry.stat.size;
    const changed = data.length === 0 ? !isSmall(entry) && entry.receivedBytes !== limit : entry.receivedBytes > limit;
    if (changed) throw new GrpcError(grpcCode.failedPrecondition, `${entry.stat.path} changed while it was sent`);
    if (data.length > 0) entry.chunks.push(data);
    else {
      entry.complete = true;
      this.#asked.delete(id);
    }
  }
}

const hasContent = ({ mode, linkname }: FileStat) => kindOf(mode) === 'file' && linkname === '';
const isSmall = ({ stat: { size, ...rest } }: Incoming) => size <= smallBytes || !hasContent({ size, ...rest });

function weightOf({ path: name, linkname, xattrs }: FileStat): number {
  let bytes = 200 + name.length + linkname.length;
  for (const [key, value] of xattrs) bytes += key.length + value.length;
  return bytes;
}

function checkPath(name: string): void {
  const parts = name.split('/');
  const hostile = name === '' || name.includes('\0') || parts.some((part) => part === '..' || part === '');
  if (hostile)
    throw new GrpcError(grpcCode.invalidArgument, `${JSON.stringify(name)} is no path inside a build context`);
}

const failure = ({ data }: Packet) =>
  new GrpcError(grpcCode.unknown, `the client cannot send files: ${Buffer.from(data)}`);
