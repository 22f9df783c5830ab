import { messageOf } from '../common/error.ts';
import type { EngineContext } from './context.ts';
import { releaseBundle } from './rootfs.ts';

/**
 * Takes back everything a start made in the kernel and on the volatile disk, each part also where the others fail:
 * process and cgroup, network, mounts, monitor. Idempotent; the names follow from the id alone. The exit file is kept
 * until the record knows its content (`forgetExit`).
 */
export async function tearDown(
  context: EngineContext,
  id: string,
  options: { readonly keepExit?: boolean } = {},
): Promise<void> {
  const parts: [string, () => unknown][] = [
    ['runtime', () => context.runtime.delete(id)],
    ['network', () => context.networks.down(id)],
    ['mounts', () => releaseBundle(context, id)],
    ['monitor', () => options.keepExit || context.monitor.forget(id)],
  ];
  for (const [part, undo] of parts) {
    try {
      await undo();
    } catch (error) {
      context.log.error('a part of a container is left over', { container: id, part, error: messageOf(error) });
    }
  }
}
