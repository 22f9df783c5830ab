import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerConfig } from '../api/types/container.ts';
import { IechorError } from '../common/error.ts';
import { applyChanges } from '../image/changes.ts';
import { emptyDiffId } from '../image/digest.ts';
import { familiar, formatReference, taggedReference } from '../image/reference.ts';
import { requireSpace } from '../image/space.ts';
import { packLayer } from '../image/tar-diff.ts';
import type { ImageConfig, ImageRecord, ImageRunConfig } from '../image/types.ts';
import { changesOf } from './changes.ts';
import type { ContainerRecord } from './container-record.ts';
import { mergeConfig } from './create-config.ts';
import { publishImage } from './images.ts';
import type { LifeContext } from './life.ts';
import { publishContainer } from './notify.ts';
import { processOf } from './process-of.ts';

type Request = Parameters<EngineApi['containerCommit']>[0];

/**
 * Makes an image of a container: what it wrote becomes a layer over those of its image, its configuration with the
 * changes that of the image. What is mounted into it (volumes) is left out. A running container is frozen meanwhile,
 * unless `pause` is false. Arguments are checked before anything is read.
 */
export async function commitContainer(context: LifeContext, request: Request): Promise<{ Id: string }> {
  const { repo, tag, comment = '' } = request;
  const reference = repo ? formatReference(taggedReference(repo, tag)) : undefined;
  const { id, config } = context.containers.get(request.container);
  const changed = applyChanges(runConfigOf(request.body), request.changes ?? [], config.Env ?? []);
  return context.mutex.run(id, async () => {
    const record = context.containers.get(id);
    if (record.status === 'removing' || record.status === 'dead') {
      throw new IechorError(
        'WRONG_STATE',
        `container "${record.name}" is ${record.status}, no image can be made of it`,
      );
    }
    const release = context.images.hold();
    const image = await frozen(context, record, request.pause ?? true, async () => {
      const made = await imageOf(context, record, { request, changed });
      publishImage(context, made.id, 'create');
      if (reference !== undefined) {
        context.images.tag(made.id, reference);
        publishImage(context, made.id, 'tag', { name: familiar(reference) });
      }
      return made;
    }).finally(release);
    const imageRef = reference === undefined ? '' : familiar(reference);
    publishContainer(context, record, 'commit', { comment, imageID: image.id, imageRef });
    return { Id: image.id };
  });
}

async function imageOf(
  context: LifeContext,
  record: ContainerRecord,
  { request, changed }: { readonly request: Request; readonly changed: ImageRunConfig },
): Promise<ImageRecord> {
  const { images, snapshotter } = context;
  const base = images.find(record.image);
  requireSpace(context.roots.dataRoot, await snapshotter.usage(record.id), 'the image of the container');
  const layer = await images.addRootfs(
    packLayer(snapshotter.upperDir(record.id), { leaveOut: changesOf(context, record).mountPlaces }),
    { parent: record.chain.at(-1), signal: request.signal },
  );
  const isEmpty = layer.diffId === emptyDiffId;
  const created = new Date().toISOString();
  const step = {
    created,
    ...(request.author && { author: request.author }),
    created_by: [record.path, ...record.args].join(' '),
    ...(request.comment && { comment: request.comment }),
    ...(isEmpty && { empty_layer: true }),
  };
  const below = record.chain.map((chainId) => snapshotter.layer(chainId)?.diffId ?? chainId);
  const config: ImageConfig = {
    created,
    ...(request.author && { author: request.author }),
    architecture: record.architecture,
    ...(base?.config.variant !== undefined && { variant: base.config.variant }),
    os: 'linux',
    config: runConfigOf(mergeConfig(changed, runConfigOf(record.config))),
    rootfs: { type: 'layers', diff_ids: isEmpty ? below : [...below, layer.diffId] },
    history: [...(base?.config.history ?? below.map(() => ({ created_by: '<missing>' }))), step],
  };
  const chain = isEmpty ? record.chain : [...record.chain, layer.chainId];
  return images.create(config, chain, base && { parent: base.id });
}

/** What of a container's configuration is its image's. */
function runConfigOf(config: ContainerConfig): ImageRunConfig {
  const { User, WorkingDir, Entrypoint, Cmd, StopSignal, Env, Labels, Volumes, ExposedPorts, OnBuild, Shell } = config;
  return {
    ...(User && { User }),
    ...(hasKeys(ExposedPorts) && { ExposedPorts }),
    ...(Env?.length && { Env }),
    ...(Entrypoint && { Entrypoint }),
    ...(Cmd && { Cmd }),
    ...(hasKeys(Volumes) && { Volumes }),
    ...(WorkingDir && { WorkingDir }),
    ...(hasKeys(Labels) && { Labels }),
    ...(StopSignal && StopSignal !== 'SIGTERM' && { StopSignal }),
    ...(Shell?.length && { Shell }),
    ...(OnBuild?.length && { OnBuild }),
    ...(config.Healthcheck && { Healthcheck: config.Healthcheck }),
  };
}

const hasKeys = <T extends object>(map: T | null | undefined): map is T =>
  map !== null && map !== undefined && Object.keys(map).length > 0;

/** The record says so while the container is frozen, so that recovery thaws it should this process die. */
export async function frozen<T>(
  context: LifeContext,
  record: ContainerRecord,
  pause: boolean,
  use: () => Promise<T>,
): Promise<T> {
  if (!pause || record.status !== 'running') return use();
  context.containers.update(record.id, { frozenForCommit: true });
  if (!(await paused(context, record))) {
    context.containers.update(record.id, { frozenForCommit: false });
    return use();
  }
  publishContainer(context, record, 'pause');
  try {
    return await use();
  } finally {
    await thaw(context, record.id);
    publishContainer(context, record, 'unpause');
  }
}

/** False where the container has ended meanwhile. */
async function paused(context: LifeContext, record: ContainerRecord): Promise<boolean> {
  try {
    await context.runtime.pause(record.id);
    return true;
  } catch (error) {
    if (processOf(context, context.containers.get(record.id)) !== undefined) throw error;
    return false;
  }
}

/** Ends the freeze of a commit. Idempotent; a container that ended meanwhile is none to thaw. */
export async function thaw(context: LifeContext, id: string): Promise<void> {
  if (processOf(context, context.containers.get(id)) !== undefined) await context.runtime.resume(id);
  context.containers.update(id, { frozenForCommit: false });
}
