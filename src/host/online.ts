import { readIfThere } from './files.ts';

/** Processors or memory nodes of this machine that are on, as the kernel lists them: `0-3,5`; undefined where it does not. */
export function onlineList(of: 'cpu' | 'node'): string | undefined {
  return readIfThere(`/sys/devices/system/${of}/online`)?.trim() || undefined;
}
