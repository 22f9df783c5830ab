import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import { checkedName } from './container-name.ts';
import type { EngineContext } from './context.ts';
import { publishContainer } from './notify.ts';

/** Gives a container another name; names on its networks follow. Throws NAME_IN_USE. */
export async function renameContainer(
  context: EngineContext,
  request: Parameters<EngineApi['containerRename']>[0],
): Promise<void> {
  if (request.name.replace(/^\//, '') === '') {
    throw new IechorError('BAD_REQUEST', 'Neither old nor new names may be empty');
  }
  const { id } = context.containers.get(request.id);
  const name = checkedName(request.name);
  await context.mutex.run(id, async () => {
    const before = context.containers.get(id);
    if (before.name === name) {
      throw new IechorError('BAD_REQUEST', 'Renaming a container with the same name as its current name');
    }
    const after = context.containers.update(id, { name });
    if (after.pid !== 0) await context.networks.rename(id, name);
    publishContainer(context, after, 'rename', { oldName: `/${before.name}` });
  });
}
