import { extract, type Header } from 'tar-stream';
import type { ByteStream } from '../api/streams.ts';
import { type FileKind, goMode, kindOf } from './file-mode.ts';
import type { Channel } from './grpc/client.ts';
import type { DraftOf, MessageOf } from './grpc/protobuf.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import { bytesMessage, packet, packetType } from './messages/session.ts';
import type { Progress } from './progress.ts';
import type { ClientSession } from './sessions.ts';

export interface Sending {
  readonly session: ClientSession;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const path = '/moby.filesync.v1.FileSend/DiffCopy';
const headers = { 'buildkit-attachable-exporter-id': '0' };

/** Sends an archive as it is to where the client wants it (`--output type=tar`). */
export async function sendArchive(archive: ByteStream, { session, progress, signal }: Sending): Promise<void> {
  const task = progress.begin('exporting to client tarball');
  const endPart = task.part('sending tarball');
  const channel = session.grpc.open({ path, sends: bytesMessage, receives: bytesMessage, headers, signal });
  try {
    for await (const data of archive) await channel.send({ data: data as Buffer });
    channel.end();
    for await (const _ of channel.received);
    endPart();
    task.end();
  } finally {
    task.end({ error: 'the files were not sent' });
    archive.destroy();
    channel.cancel();
  }
}

/** Sees each entry before it is sent. */
type Check = (header: Header) => void;
type PacketChannel = Channel<DraftOf<typeof packet>, MessageOf<typeof packet>>;

/**
 * Sends the files of an archive, which has to be in the order of a walk, to a directory of the client (`--output
 * type=local`). The client asks for each file's content when it has its description; the archive is read once.
 */
export async function sendTree(
  archive: ByteStream,
  { session, progress, signal }: Sending,
  check?: Check,
): Promise<void> {
  const task = progress.begin('exporting to client directory');
  const transfer = task.transfer('copying files');
  const channel = session.grpc.open({ path, sends: packet, receives: packet, headers, signal });
  try {
    await sendEntries(archive, channel, { onBytes: transfer.add, check });
    transfer.end();
    task.end();
  } finally {
    task.end({ error: 'the files were not sent' });
    archive.destroy();
    channel.cancel();
  }
}

async function sendEntries(
  archive: ByteStream,
  channel: PacketChannel,
  { onBytes, check }: { readonly onBytes: (count: number) => void; readonly check: Check | undefined },
): Promise<void> {
  const answers = channel.received[Symbol.asyncIterator]();
  let id = 0;
  const entries = archive.pipe(extract());
  archive.once('error', (error) => entries.destroy(error));
  for await (const entry of entries) {
    check?.(entry.header);
    const stat = statOf(entry.header);
    if (!stat) {
      entry.resume();
      continue;
    }
    await channel.send({ type: packetType.stat, stat });
    if (kindOf(stat.mode) === 'file' && stat.linkname === '') {
      await expectPacket(answers, packetType.request, id);
      for await (const data of entry) {
        onBytes((data as Buffer).length);
        await channel.send({ type: packetType.data, id, data: data as Buffer });
      }
      await channel.send({ type: packetType.data, id });
    } else entry.resume();
    id++;
  }
  await channel.send({ type: packetType.stat });
  await expectPacket(answers, packetType.finish, 0);
  await channel.send({ type: packetType.finish });
  channel.end();
}

async function expectPacket(answers: AsyncIterator<MessageOf<typeof packet>>, type: number, id: number): Promise<void> {
  const { done, value } = await answers.next();
  if (!done && value.type === type && value.id === id) return;
  const said = !done && value.type === packetType.error ? Buffer.from(value.data).toString() : 'it broke off';
  throw new GrpcError(grpcCode.unknown, `the client did not take the files: ${said}`);
}

const kinds: Readonly<Record<string, FileKind>> = {
  file: 'file',
  'contiguous-file': 'file',
  link: 'file',
  symlink: 'symlink',
  directory: 'directory',
  fifo: 'pipe',
  'character-device': 'char-device',
  'block-device': 'block-device',
};

function statOf(header: Header) {
  const kind = kinds[header.type ?? 'file'];
  const name = header.name.replace(/^(\.?\/)+|\/+$/g, '');
  if (!kind || name === '' || name === '.') return undefined;
  const isLink = header.type === 'link';
  return {
    path: name,
    mode: goMode(kind, header.mode ?? 0o644),
    uid: header.uid ?? 0,
    gid: header.gid ?? 0,
    size: kind === 'file' && !isLink ? (header.size ?? 0) : 0,
    modTime: BigInt(header.mtime?.getTime() ?? 0) * 1_000_000n,
    linkname: isLink ? (header.linkname ?? '').replace(/^(\.?\/)+/, '') : (header.linkname ?? ''),
    devmajor: header.devmajor ?? 0,
    devminor: header.devminor ?? 0,
  };
}
