import { constants, openSync } from 'node:fs';
import { IechorError } from '../common/error.ts';
import { pathIn } from '../host/file-syscalls.ts';
import type { SnapshotMount } from './snapshotter.ts';

/** mount(2) takes one page of options, its end mark included. */
const maxOptionBytes = 4095;
/** Characters that overlayfs reads as separators. */
const unsafe = /[:,\\]/;
/**
 * Spelled out, since modules may be loaded with other defaults: a layer must be complete in itself, without references
 * to the inodes or names of those below.
 */
const fixed = ['index=off', 'metacopy=off', 'redirect_dir=nofollow'];

export interface MountOptions {
  /** `links` are the names below `l/`, the top first; the directories are relative to the data root. */
  writable(links: readonly string[], upper: string, work: string): SnapshotMount;
  readOnly(links: readonly string[]): SnapshotMount;
}

/**
 * Overlay mounts of layers under a data root. Where its path is too long for the number of layers, or holds a
 * separator, it is named by an open descriptor of this process, which then has to make the mount itself.
 */
export function createMountOptions(dir: string): MountOptions {
  let descriptor: number | undefined;
  const byDescriptor = () => {
    descriptor ??= openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
    return pathIn(descriptor, new Uint8Array()).toString().replace(/\/$/, '');
  };
  const sized = (render: (root: string) => string[]): SnapshotMount => {
    const direct = render(dir);
    if (!unsafe.test(dir) && sizeOf(direct) <= maxOptionBytes) return overlay(direct);
    const short = render(byDescriptor());
    if (sizeOf(short) <= maxOptionBytes) return overlay(short);
    throw new IechorError('HOST_UNSUPPORTED', 'the image has more layers than one mount takes', {
      hint: 'build it with fewer layers, e.g. by joining RUN instructions',
    });
  };
  const lower = (root: string, links: readonly string[]) =>
    `lowerdir=${(links.length > 0 ? links.map((link) => `${root}/l/${link}`) : [`${root}/empty`]).join(':')}`;
  return {
    writable: (links, upper, work) =>
      sized((root) => [lower(root, links), `upperdir=${root}/${upper}`, `workdir=${root}/${work}`, ...fixed]),
    readOnly: (links) => sized((root) => ['ro', lower(root, links), ...fixed]),
  };
}

const sizeOf = (options: readonly string[]): number => Buffer.byteLength(options.join(','));

function overlay(options: readonly string[]): SnapshotMount {
  return { type: 'overlay', source: 'overlay', options };
}
