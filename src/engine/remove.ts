import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import { lettingGo } from '../common/object-store.ts';
import { removeTree } from '../host/files.ts';
import type { LifeContext } from './life.ts';
import { removeLink } from './links.ts';
import { finishForward } from './logging/forwards.ts';
import { publishContainer } from './notify.ts';
import { containerDir } from './paths.ts';
import { stopNow } from './stop.ts';
import { tearDown } from './tear-down.ts';
import { removeAnonymousVolumes } from './volume-users.ts';

/** Removes a container; one that runs only with `force`, which kills it first. */
export async function removeContainer(
  context: LifeContext,
  request: Parameters<EngineApi['containerRemove']>[0],
): Promise<void> {
  if (request.link) return removeLink(context, request.id);
  const { id } = context.containers.get(request.id);
  if (request.force) await stopNow(context, id);
  await context.mutex.run(id, async () => {
    const record = context.containers.find(id);
    // Removed meanwhile, by its own AutoRemove or by another client: what was asked for is the case.
    if (!record) return;
    if (['running', 'paused', 'restarting'].includes(record.status)) {
      throw new IechorError(
        'WRONG_STATE',
        `cannot remove container "${record.name}": container is ${record.status}: stop the container before removing or force remove`,
        {
          hint: `stop it first (iechor stop ${record.name}), or force: iechor rm -f ${record.name}`,
        },
      );
    }
    await removeLocked(context, id, { volumes: request.v ?? false });
  });
}

/** The removal itself, by a caller that holds the container's mutex. Every part accepts "already gone". */
export async function removeLocked(
  context: LifeContext,
  id: string,
  options: { readonly volumes: boolean },
): Promise<void> {
  clearTimeout(context.life.restarts.get(id));
  context.life.restarts.delete(id);
  context.life.delays.delete(id);
  const record = context.containers.note(id, { status: 'removing', removing: options }, lettingGo);
  context.earlyAttach.cancel(id);
  await tearDown(context, id);
  await finishForward(context, id);
  // Content goes only when it is certain that whoever comes after a loss of power finishes the removal.
  await context.store.durable();
  await context.snapshotter.remove(id);
  removeTree(containerDir(context.roots, id));
  if (options.volumes) await removeAnonymousVolumes(context, record);
  context.containers.forget(id);
  publishContainer(context, record, 'destroy');
  context.life.removed.notify(id, record.exitCode);
  context.life.died.notify(id, { exitCode: record.exitCode, finishedAt: new Date(), oomKilled: false });
}
