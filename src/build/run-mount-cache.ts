import { createHash } from 'node:crypto';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { StepContext } from './build-context.ts';
import { acquireCacheDir } from './cache-mounts.ts';
import { copySource, copyTop } from './files/copy-tree.ts';
import type { PlannedSource } from './files/plan-copy.ts';
import type { SourceView } from './files/source-view.ts';
import { InstructionError } from './language/form.ts';
import type { RunMount } from './language/mount-option.ts';
import { type Made, type OpenMount, targetOf } from './run-mount.ts';
import { openSource, takeContent } from './sources.ts';

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
  const content = taken && (await takeContent(taken, [path], { exclude: [], parents: false, literal: true }, context));
  const beginning = async (): Promise<PlannedSource | undefined> => {
    await taken?.ready?.();
    return content?.plans().flat()[0];
  };
  const fill = async (dir: string): Promise<void> => {
    await mkdir(dir, { recursive: true });
    const planned = await beginning();
    if (taken && planned) return fillFrom(planned, { dir, view: taken.view, signal: context.build.signal });
    await chown(dir, mount.uid ?? 0, mount.gid ?? 0);
    await chmod(dir, (mount.mode ?? 0o755) & 0o755);
  };
  const make = async (): Promise<Made> => {
    const planned = await beginning();
    const { dir, release } = await acquireCacheDir(name, {
      ...{ sharing: mount.sharing ?? 'shared', fill, context },
      description: `cached mount ${target}${mount.id ? ` with id "${mount.id}"` : ''}`,
    });
    const place = planned && !planned.isDirectory ? join(dir, planned.name) : dir;
    return { mount: { type: 'bind', source: place, target, readOnly: mount.readOnly }, release };
  };
  // As with BuildKit: what a command finds there is not its concern, nor is which directory it is, unless it has no name.
  const isPlain = ownName === target && (mount.sharing ?? 'shared') === 'shared';
  const first = given ? `${mount.mode ?? 0o755} ${mount.uid ?? 0} ${mount.gid ?? 0}` : '';
  const parts = [target, mount.readOnly, isPlain ? `plain ${namespace}` : 'named', content?.digest ?? first];
  return { key: `cache ${parts.join(' ')}`, make };
}

async function fillFrom(
  planned: PlannedSource,
  to: { readonly dir: string; readonly view: SourceView; readonly signal: AbortSignal },
): Promise<void> {
  const { ownedByRoot } = to.view;
  const target = { root: to.dir, destination: '/', owner: undefined, chmod: undefined, ownedByRoot, signal: to.signal };
  await copySource(planned, target);
  copyTop(planned, to.dir, to.view);
}
