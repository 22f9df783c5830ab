import type { ByteStream } from '../api/streams.ts';
import type { ImageAnnotations, ProgressMessage } from '../api/types/image.ts';
import { createOverlapCheck, filesOf, joinArchives } from '../api/platform-files.ts';
import { clientOf } from './client-services.ts';
import { exportImage, fullName, type Output } from './exporters.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import type { Progress } from './progress.ts';
import { type Sending, sendArchive, sendTree } from './send-files.ts';
import { sendLayout } from './send-layout.ts';
import type { ClientSession } from './sessions.ts';
import type { BuildEngine, BuiltImage } from './solve.ts';

export interface Delivering {
  readonly engine: BuildEngine;
  /** Asked for where something goes to the client, or needs its logins. */
  readonly session: () => Promise<ClientSession>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Brings images, one for each platform, to where the client wants them; resolves with what it is told of it. */
export async function deliver(
  built: readonly BuiltImage[],
  output: Output,
  delivering: Delivering,
): Promise<ReadonlyMap<string, string>> {
  const { engine, progress, signal } = delivering;
  const images = built.map(({ image }) => image);
  const [image = ''] = images;
  if (output.type === 'image') {
    if (images.length > 1 && !output.push) await engine.nameTogether({ images, names: output.names });
    const { IndexServerAddress } = await engine.systemInfo({ signal });
    const told = exportImage(image, output, { progress, server: IndexServerAddress });
    return output.push ? new Map([...told, ...(await push(images, output, delivering))]) : told;
  }
  const sending = { session: await delivering.session(), progress, signal };
  if (output.type === 'oci' || output.type === 'docker') {
    const { packing, annotations } = output;
    const layout = output.type === 'oci' ? { ...packing, ...(annotations && { annotations }) } : undefined;
    const archive = await engine.imagesGet({ names: images, tags: output.names, layout, signal });
    const told = new Map([['containerimage.config.digest', image]]);
    if (output.isArchive) await sendArchive(archive, sending);
    else for (const [name, value] of await sendToStore(archive, output, { engine, sending })) told.set(name, value);
    return told;
  }
  await sendFiles(built, output, { engine, sending });
  return new Map();
}

/** Fills a directory of the client by way of the store that it serves, and tells it what to list in its index. */
async function sendToStore(
  archive: ByteStream,
  { names }: Output,
  { engine, sending }: { readonly engine: BuildEngine; readonly sending: Sending },
): Promise<ReadonlyMap<string, string>> {
  const { IndexServerAddress: server } = await engine.systemInfo({ signal: sending.signal });
  const descriptor = await sendLayout(archive, clientOf(sending.session).content('export'), sending);
  return new Map([
    ['containerimage.descriptor', Buffer.from(descriptor).toString('base64')],
    ...(names.length > 0 ? [['image.name', names.map((name) => fullName(name, server)).join(',')] as const] : []),
  ]);
}

/** Sends the files of each platform, beside those of the others unless they are to lie together. */
async function sendFiles(
  built: readonly BuiltImage[],
  { type, isSplit }: Output,
  { engine, sending }: { readonly engine: BuildEngine; readonly sending: Sending },
): Promise<void> {
  const { signal } = sending;
  const images = built.map(({ image, platform }) => ({ id: image, platform }));
  const trees = await filesOf(engine, images, { isSplit, signal });
  if (type === 'tar') return sendArchive(joinArchives(trees.map(({ open }) => open)), sending);
  const check = createOverlapCheck();
  for (const { platform, open } of trees) await sendTree(await open(), sending, (header) => check(platform, header));
}

/** Pushes under each of the names, with the client's logins. */
async function push(
  images: readonly string[],
  { names, annotations, packing }: Output,
  { engine, session, progress, signal }: Delivering,
): Promise<Map<string, string>> {
  const told = new Map<string, string>();
  const packed = Object.keys(packing).length > 0 ? packing : undefined;
  for (const full of names) {
    const { name, tag, host } = partsOf(full);
    const registryAuth = await clientOf(await session()).login(host);
    const task = progress.begin(`pushing ${full}`);
    try {
      const request = {
        name,
        tag,
        images,
        annotations: annotations as ImageAnnotations | undefined,
        packing: packed,
        signal,
      };
      for await (const message of engine.imagePush({ ...request, ...(registryAuth && { registryAuth }) })) {
        const digest = digestIn(message);
        if (digest !== undefined) told.set('containerimage.digest', digest);
      }
      task.end();
    } catch (error) {
      task.end({ error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }
  return told;
}

function digestIn({ error, aux }: ProgressMessage): string | undefined {
  if (error !== undefined) throw new GrpcError(grpcCode.unknown, `failed to push: ${error}`);
  return aux && 'Digest' in aux && typeof aux.Digest === 'string' ? aux.Digest : undefined;
}

function partsOf(full: string): { readonly name: string; readonly tag: string; readonly host: string } {
  const [, name = full, tag = 'latest'] = /^(.*?)(?::([^:/]+))?$/.exec(full) ?? [];
  const [first = '', ...rest] = name.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return { name, tag, host: isHost ? first : 'docker.io' };
}
