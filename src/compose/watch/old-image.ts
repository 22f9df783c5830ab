import type { EngineApi } from '../../api/engine-api.ts';
import { codeOf } from '../../common/error.ts';

const gone = new Set(['IMAGE_NOT_FOUND', 'NOT_FOUND', 'IN_USE']);

/** Id of the image that has a name now. */
export async function taggedId(engine: EngineApi, name: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await engine.imageInspect({ name, signal })).Id;
  } catch (error) {
    if (gone.has(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** Removes an image that has lost its name and has no container; leaves any other. */
export async function removeDangling(engine: EngineApi, id: string, signal: AbortSignal): Promise<void> {
  try {
    const { RepoTags } = await engine.imageInspect({ name: id, signal });
    if ((RepoTags ?? []).length === 0) await engine.imageRemove({ name: id, signal });
  } catch (error) {
    if (!gone.has(codeOf(error) ?? '')) throw error;
  }
}
