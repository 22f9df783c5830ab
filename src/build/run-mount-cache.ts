import { createHash } from 'node:crypto';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { posix } from 'node:path';
import type { StepContext } from './build-context.ts';
import { acquireCacheDir } from './cache-mounts.ts';
import { copySource } from './files/copy-tree.ts';
import { planCopy } from './files/plan-copy.ts';
import { InstructionError } from './language/form.ts';
import type { RunMount } from './language/mount-option.ts';
import { type Made, type OpenMount, targetOf } from './run-mount.ts';
import { openSource, type Source, takeContent } from './sources.ts';

/** RUN --mount=type=cache: a directory that lasts beyond the build. */
export async function openCache(mount: RunMount, context: StepContext): Promise<OpenMount> {
  const target = targetOf(mount, context);
  const namespace = context.build.request.buildArgs?.BUILDKIT_CACHE_MOUNT_NS ?? '';
  const ownName = mount.id || posix.join(mount.target ?? '');
  const id = namespace === '' ? mount.id || target : `${namespace}/${ownName}`;
  const source = mount.from === undefined ? undefined : await openSource(mount.from, context);
  const path = posix.join('/', mount.source ?? '');
  const given = mount.mode !== undefined || mount.uid !== undefined || mount.gid !== undefined;
  const identity = JSON.stringify([id, mount.mode, mount.uid, mount.gid, source?.chainId ?? '', path]);
  const name = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  // As with BuildKit: a path in the source keeps its own attributes; those of the mount are for a new directory.
  const taken = source && (path !== '/' || !given) ? source : undefined;
  if (!source && path !== '/') throw new InstructionError(`the source ${path} of a cache mount needs from`);
  const fill = async (dir: string): Promise<void> => {
    await mkdir(dir, { recursive: true });
    if (taken) return fillFrom(taken, path, { dir, signal: context.build.signal });
    await chown(dir, mount.uid ?? 0, mount.gid ?? 0);
    await chmod(dir, (mount.mode ?? 0o755) & 0o755);
  };
  const make = async (): Promise<Made> => {
    const { dir, release } = await acquireCacheDir(name, { sharing: mount.sharing ?? 'shared', fill, context });
    return { mount: { type: 'bind', source: dir, target, readOnly: mount.readOnly }, release };
  };
  // As with BuildKit: what a command finds there is not its concern, nor is which directory it is, unless it has no name.
  const isPlain = ownName === target && (mount.sharing ?? 'shared') === 'shared';
  const beginning = taken
    ? (await takeContent(taken, [path], { exclude: [], parents: false, literal: true }, context)).digest
    : given
      ? `${mount.mode ?? 0o755} ${mount.uid ?? 0} ${mount.gid ?? 0}`
      : '';
  const parts = [target, mount.readOnly, isPlain ? `plain ${namespace}` : 'named', beginning];
  return { key: `cache ${parts.join(' ')}`, make };
}

async function fillFrom(source: Source, path: string, to: { dir: string; signal: AbortSignal }): Promise<void> {
  for (const planned of planCopy(source.view, path, { exclude: [], parents: false, literal: true })) {
    await copySource(planned, {
      root: to.dir,
      destination: '/',
      owner: undefined,
      chmod: undefined,
      ownedByRoot: source.view.ownedByRoot,
      signal: to.signal,
    });
  }
}
