import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { publishVolume } from './notify.ts';

/** Volumes that were made for a container, or for one whose volumes it took over, go with the last that has them. */
export async function removeAnonymousVolumes(context: EngineContext, record: ContainerRecord): Promise<void> {
  for (const mount of record.mounts) {
    if (!mount.anonymous || !mount.name || !context.volumes.find(mount.name)) continue;
    const others = volumeUsers(context, mount.name).filter((user) => user !== record.id);
    if (others.length > 0) continue;
    await context.volumes.remove(mount.name, { force: true, usedBy: [] });
    publishVolume(context, mount.name, 'destroy');
  }
}

/** Ids of the containers that mount a volume. */
export function volumeUsers(context: EngineContext, name: string): string[] {
  return context.containers
    .list()
    .filter((record) => record.mounts.some((mount) => mount.type === 'volume' && mount.name === name))
    .map((record) => record.id);
}
