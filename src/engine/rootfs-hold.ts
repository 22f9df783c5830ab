import type { LifeContext } from './life.ts';
import { mountRootfs, releaseBundle } from './rootfs.ts';

/**
 * The container's root, mounted until the returned function is called: for streams, which hold no mutex. A container
 * that runs keeps its mount for itself. The release is idempotent.
 */
export async function holdRootfs(
  context: LifeContext,
  id: string,
): Promise<{ rootfs: string; release: () => Promise<void> }> {
  const { holds } = context.life;
  const rootfs = await context.mutex.run(id, async () => {
    const mounted = await mountRootfs(context, context.containers.get(id).id);
    holds.set(id, (holds.get(id) ?? 0) + 1);
    return mounted;
  });
  let held = true;
  const release = async () => {
    if (!held) return;
    held = false;
    await context.mutex.run(id, async () => {
      const left = (holds.get(id) ?? 1) - 1;
      if (left > 0) holds.set(id, left);
      else holds.delete(id);
      const record = context.containers.find(id);
      if (left === 0 && record?.pid === 0) releaseBundle(context, id);
    });
  };
  return { rootfs, release };
}
