import type { ImageAnnotations, ProgressMessage } from '../api/types/image.ts';
import { clientOf } from './client-services.ts';
import { exportImage, type Output } from './exporters.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import type { Progress } from './progress.ts';
import { refused } from './refused.ts';
import { sendArchive, sendTree } from './send-files.ts';
import type { ClientSession } from './sessions.ts';
import type { BuildEngine } from './solve.ts';

export interface Delivering {
  readonly engine: BuildEngine;
  /** Asked for where something goes to the client, or needs its logins. */
  readonly session: () => Promise<ClientSession>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Brings images, one for each platform, to where the client wants them; resolves with what it is told of it. */
export async function deliver(
  images: readonly string[],
  output: Output,
  delivering: Delivering,
): Promise<ReadonlyMap<string, string>> {
  const { engine, progress, signal } = delivering;
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
    await sendArchive(await engine.imagesGet({ names: images, tags: output.names, layout, signal }), sending);
    return new Map([['containerimage.config.digest', image]]);
  }
  if (images.length > 1) throw refused('sending the files of several platforms', 'use --output type=oci');
  const send = output.type === 'tar' ? sendArchive : sendTree;
  await send(await engine.imageTree({ name: image, signal }), sending);
  return new Map();
}

/** Pushes under each of the names, with the client's logins. */
async function push(
  images: readonly string[],
  { names, annotations }: Output,
  { engine, session, progress, signal }: Delivering,
): Promise<Map<string, string>> {
  const told = new Map<string, string>();
  for (const full of names) {
    const { name, tag, host } = partsOf(full);
    const registryAuth = await clientOf(await session()).login(host);
    const task = progress.begin(`pushing ${full}`);
    try {
      const request = { name, tag, images, annotations: annotations as ImageAnnotations | undefined, signal };
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
