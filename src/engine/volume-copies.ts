import type { EngineApi } from '../api/engine-api.ts';
import type { ByteStream } from '../api/streams.ts';
import type { Volume } from '../api/types/network.ts';
import { IechorError } from '../common/error.ts';
import { applyTar } from '../image/tar-apply.ts';
import { packTree } from '../image/tar-diff.ts';
import { copyTree } from '../volumes/copy-tree.ts';
import { frozen } from './commit.ts';
import type { ContainerRecord } from './container-record.ts';
import type { LifeContext } from './life.ts';
import { publishVolume } from './notify.ts';
import { volumeUsers } from './volume-users.ts';
import { inspectVolume } from './volumes.ts';

type Request<Op extends keyof EngineApi> = Parameters<EngineApi[Op]>[0];

/**
 * A new volume with the content another one has at one moment: running containers that use it are frozen meanwhile.
 * All or nothing. Throws NAME_IN_USE for a name that is taken.
 */
export async function cloneVolume(context: LifeContext, request: Request<'volumeClone'>): Promise<Volume> {
  const { name, to, labels } = request;
  const source = context.volumes.get(name);
  if (context.volumes.find(to)) {
    throw new IechorError('NAME_IN_USE', `volume "${to}" exists already`, { hint: 'choose another name' });
  }
  const from = await context.volumes.mountpoint(source.name);
  await context.volumes.create({ name: to, labels: { ...(labels ?? {}) } });
  try {
    await stillOf(context, source.name, () => context.volumes.copyUp(to, from));
  } catch (error) {
    await context.volumes.remove(to, { force: true, usedBy: [] });
    throw error;
  }
  publishVolume(context, to, 'create');
  return inspectVolume(context, { name: to });
}

/** Gives a volume the content of another one. Throws IN_USE while a running container uses it. */
export async function restoreVolume(context: LifeContext, request: Request<'volumeRestore'>): Promise<void> {
  const { name, from } = request;
  refuseRunning(context, name);
  const source = await context.volumes.mountpoint(context.volumes.get(from).name);
  await context.volumes.replace(name, (directory) => stillOf(context, from, () => copyTree(source, directory)));
}

/** The files of a volume as one tar archive, of one moment only where nothing writes. */
export async function exportVolume(context: LifeContext, request: Request<'volumeExport'>): Promise<ByteStream> {
  const stream = packTree(await context.volumes.mountpoint(context.volumes.get(request.name).name));
  const abort = () => stream.destroy();
  request.signal?.addEventListener('abort', abort, { once: true });
  if (request.signal?.aborted) abort();
  return stream;
}

/** Gives a volume, made where it is missing, the content of a tar archive (plain or compressed). All or nothing. */
export async function importVolume(context: LifeContext, request: Request<'volumeImport'>): Promise<Volume> {
  const { name, body, signal } = request;
  const existed = context.volumes.find(name) !== undefined;
  if (existed) refuseRunning(context, name);
  else await context.volumes.create({ name });
  try {
    await context.volumes.replace(name, async (root) => {
      await applyTar(body, { root, prefix: '/', devices: 'skip' }, signal);
    });
  } catch (error) {
    if (!existed) await context.volumes.remove(name, { force: true, usedBy: [] });
    throw error;
  }
  if (!existed) publishVolume(context, name, 'create');
  return inspectVolume(context, { name });
}

const runningUsers = (context: LifeContext, name: string): ContainerRecord[] =>
  volumeUsers(context, name)
    .map((id) => context.containers.get(id))
    .filter(({ status }) => status === 'running' || status === 'paused' || status === 'restarting');

function refuseRunning(context: LifeContext, name: string): void {
  context.volumes.get(name);
  const users = runningUsers(context, name).map((record) => record.name);
  if (users.length === 0) return;
  throw new IechorError('IN_USE', `volume "${name}" is in use by ${users.join(', ')}`, {
    hint: 'stop them first: their files would change under them',
  });
}

/** Acts while nothing writes to a volume: the running containers that use it are frozen. */
function stillOf<T>(context: LifeContext, name: string, act: () => Promise<T>): Promise<T> {
  return runningUsers(context, name).reduce<() => Promise<T>>(
    (inner, record) => () => frozen(context, record, true, inner),
    act,
  )();
}
