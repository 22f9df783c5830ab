import { existsSync, lstatSync, writeFileSync } from 'node:fs';
import { chmod, chown } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import type { StepContext } from './build-context.ts';
import type { Fingerprint } from './files/content-hash.ts';
import { copySource, copyTop } from './files/copy-tree.ts';
import { planCopy, SourceMissing } from './files/plan-copy.ts';
import { resolveInRoot } from './files/root-path.ts';
import { InstructionError } from './language/form.ts';
import { type RunMount, readMount } from './language/mount-option.ts';
import { syntaxError } from './language/syntax-error.ts';
import type { InstructionOf } from './language/types.ts';
import { expandIn } from './metadata.ts';
import { accessOf, type Made, type OpenMount, type ReadyMount, targetOf } from './run-mount.ts';
import { openCache } from './run-mount-cache.ts';
import { openSsh } from './run-mount-ssh.ts';
import { openSource, refuseChanged, type Source, type Taken, takeContent } from './sources.ts';

/** The mounts of one RUN: what of them decides the result, and how to make them. */
export interface RunMounts {
  /** Part of the step's key. Secrets and what cache directories hold are no part of it. */
  readonly key: string;
  /** The same in parts: files of bind mounts by their place in the sandbox, other mounts as they are. */
  readonly files: Fingerprint | undefined;
  prepare(): Promise<PreparedMounts>;
}
export interface PreparedMounts {
  readonly mounts: readonly ReadyMount[];
  /** Secrets that go to variables. */
  readonly env: ReadonlyMap<string, string>;
  /** Idempotent. */
  release(): void;
}

type Run = InstructionOf<'RUN'>;

/** Reads RUN --mount and looks up what it names. Throws BUILD_SYNTAX, BUILD_FAILED, NOT_SUPPORTED with the place. */
export async function openMounts(instruction: Run, context: StepContext): Promise<RunMounts> {
  const open: OpenMount[] = [];
  for (const option of instruction.mounts) {
    try {
      const mount = readMount(option, (value) => expandIn(context, value));
      open.push(await openMount(mount, open, context));
    } catch (error) {
      if (!(error instanceof InstructionError || error instanceof SourceMissing)) throw error;
      const hint = error instanceof InstructionError ? error.hint : undefined;
      throw syntaxError(error.message, { ...instruction, hint, cause: error });
    }
  }
  const prepare = async (): Promise<PreparedMounts> => {
    const made: Made[] = [];
    const release = () => {
      for (const one of made.splice(0).reverse()) one.release?.();
    };
    try {
      for (const one of open) made.push((await one.make()) ?? {});
    } catch (error) {
      release();
      throw error;
    }
    const mounts = made.flatMap((one) => one.mount ?? []);
    const lost = mounts.find((mount) => hasNoPlace(mount, mounts));
    if (lost) {
      release();
      throw syntaxError(`there is no ${lost.target} in the read-only mount that it lies in`, instruction);
    }
    return {
      mounts,
      env: new Map(made.flatMap((one) => (one.env ? [one.env] : []))),
      release,
    };
  };
  const place = (key: string) => key.split(' ')[1] ?? '';
  const keys = open.map((one) => one.key).sort((a, b) => (place(a) < place(b) ? -1 : place(a) > place(b) ? 1 : 0));
  return { key: JSON.stringify(keys), files: filesOf(open), prepare };
}

/** Whether a mount lies in a read-only one that has no such file or directory to mount over. */
function hasNoPlace({ target }: ReadyMount, mounts: readonly ReadyMount[]): boolean {
  const around = mounts.filter((other) => target.startsWith(`${other.target}/`));
  const outer = around.reduce<ReadyMount | undefined>(
    (a, b) => (a && a.target.length > b.target.length ? a : b),
    undefined,
  );
  if (outer?.type !== 'bind' || !outer.readOnly) return false;
  return !existsSync(resolveInRoot(outer.source, target.slice(outer.target.length)));
}

function filesOf(open: readonly OpenMount[]): Fingerprint | undefined {
  const lines = open.flatMap(({ key, files }): (readonly [string, string])[] => {
    const [type = '', target = ''] = key.split(' ');
    return files && Object.keys(files).length > 0 ? Object.entries(files) : [[`${type} mount ${target}`, key]];
  });
  return lines.length > 0 ? Object.fromEntries(lines) : undefined;
}

function openMount(
  mount: RunMount,
  before: readonly OpenMount[],
  context: StepContext,
): OpenMount | Promise<OpenMount> {
  switch (mount.type) {
    case 'bind':
      return openBind(mount, context);
    case 'cache':
      return openCache(mount, context);
    case 'tmpfs':
      return openTmpfs(mount, context);
    case 'secret':
      return openSecret(mount, context);
    case 'ssh':
      return openSsh(mount, before.filter((one) => one.key.startsWith('ssh ')).length, context);
  }
}

async function openTmpfs(mount: RunMount, context: StepContext): Promise<OpenMount> {
  if (posix.join('/', mount.source ?? '') !== '/') throw new InstructionError('a tmpfs mount has no source');
  if (mount.from !== undefined) await openSource(mount.from, context);
  const target = targetOf(mount, context);
  const { readOnly, sizeBytes } = mount;
  const ready: ReadyMount = { type: 'tmpfs', source: 'tmpfs', target, readOnly, ...(sizeBytes && { sizeBytes }) };
  return { key: `tmpfs ${target} ${sizeBytes ?? ''}${readOnly ? ' ro' : ''}`, make: async () => ({ mount: ready }) };
}

async function openBind(mount: RunMount, context: StepContext): Promise<OpenMount> {
  const source = await openSource(mount.from, context);
  const path = posix.join('/', mount.source ?? '');
  const taken = await takeContent(source, [path], { exclude: [], parents: false, literal: true }, context);
  const { digest, files } = taken;
  const target = targetOf(mount, context);
  const shown = Object.entries(files ?? {}).map(([name, line]) => [posix.join(target, name), line]);
  const make = async (): Promise<Made> => {
    await source.ready?.();
    const from = await visiblePath(source, { path, taken }, context);
    if (mount.readOnly) return { mount: { type: 'bind', source: from, target, readOnly: true } };
    const writable = await writableCopy(from, context);
    return { mount: { type: 'bind', source: writable, target, readOnly: false } };
  };
  return { key: `bind ${target} ${mount.readOnly} ${digest}`, files: Object.fromEntries(shown), make };
}

/** The place on disk; where the context hides files, or may change, a copy of what was hashed. */
async function visiblePath(
  source: Source,
  { path, taken }: { readonly path: string; readonly taken: Taken },
  context: StepContext,
): Promise<string> {
  const { view } = source;
  if (view.complete) return resolveInRoot(view.root, path);
  const root = context.build.scratch.newDir('large');
  const [planned] = taken.plans().flat();
  if (!planned) throw new SourceMissing(path, view);
  const name = planned.isDirectory ? 'tree' : planned.name;
  const { signal } = context.build;
  await copySource(planned, {
    root,
    destination: `/${name}`,
    owner: undefined,
    chmod: undefined,
    ownedByRoot: true,
    signal,
  });
  copyTop(planned, join(root, name), view);
  if (view === context.build.context) refuseChanged([planned], context);
  return join(root, name);
}

/** What the command writes is thrown away: an overlay for a directory, a copy of a file. */
async function writableCopy(from: string, { build }: StepContext): Promise<string> {
  const { scratch } = build;
  if (!lstatSync(from).isDirectory()) {
    const root = scratch.newDir('large');
    const [planned] = planCopy(
      { root: from, ownedByRoot: false, complete: true, list: () => [], visible: () => true },
      '/',
      { exclude: [], parents: false, literal: true },
    );
    if (!planned) throw new Error('a file is one source');
    const destination = `/${basename(from)}`;
    await copySource(planned, {
      root,
      destination,
      owner: undefined,
      chmod: undefined,
      ownedByRoot: false,
      signal: build.signal,
    });
    return join(root, basename(from));
  }
  const lower = scratch.mount({ type: 'bind', source: from, options: ['bind', 'ro'] });
  const [upper, work] = [scratch.newDir('large'), scratch.newDir('large')];
  return scratch.mount({
    type: 'overlay',
    source: 'overlay',
    options: [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`],
  });
}

async function openSecret(mount: RunMount, context: StepContext): Promise<OpenMount> {
  const id = mount.source || mount.id || posix.basename(mount.target ?? '');
  if (mount.env === '') throw new InstructionError('the variable of a secret needs a name');
  const variable = mount.env === undefined ? undefined : mount.env || id;
  const wantsFile = mount.target !== undefined || variable === undefined;
  const target = wantsFile
    ? targetOf({ ...mount, target: mount.target || `/run/secrets/${posix.basename(id)}` }, context)
    : undefined;
  const { secrets = {}, askSecret } = context.build.request;
  const value = Object.hasOwn(secrets, id) ? secrets[id] : await askSecret?.(id);
  if (value === undefined && mount.required) {
    throw new InstructionError(`secret ${id}: not found`, { hint: `Give it with --secret id=${id},src=FILE.` });
  }
  const make = async (): Promise<Made | undefined> => {
    if (value === undefined) return variable === undefined ? undefined : { env: [variable, ''] };
    const env = variable === undefined ? {} : { env: [variable, Buffer.from(value).toString('utf8')] as const };
    if (target === undefined) return env;
    const source = join(context.build.scratch.newDir('small'), 'secret');
    writeFileSync(source, value, { mode: 0o400 });
    await chown(source, mount.uid ?? 0, mount.gid ?? 0);
    await chmod(source, mount.mode ?? 0o400);
    const options = ['nosuid', 'nodev', 'noexec'] as const;
    return { mount: { type: 'bind', source, target, readOnly: true, options }, ...env };
  };
  return {
    key: `secret ${id} ${target ?? ''} ${variable ?? ''} ${target === undefined ? mount.required : accessOf(mount, 0o400)}`,
    make,
  };
}
