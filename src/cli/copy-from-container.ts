import {
  chmodSync,
  createWriteStream,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { posix, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import type { EngineApi } from '../api/engine-api.ts';
import type { PathStat } from '../api/types/container.ts';
import { codeOf, IechorError } from '../common/error.ts';
import { copyTarget } from './copy-target.ts';

export interface CopyOptions {
  readonly followLink: boolean;
  /** Keep owners. */
  readonly archive: boolean;
  readonly signal: AbortSignal;
}

const goDirectory = 2 ** 31;
const goSymlink = 2 ** 27;
export const hasModeBit = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1;
export const isGoDirectory = (mode: number): boolean => hasModeBit(mode, goDirectory);
export const isGoSymlink = (mode: number): boolean => hasModeBit(mode, goSymlink);

/** What is at a path. The answer to a question of this kind has no words of its own, so they are found here. */
export async function statInContainer(
  engine: EngineApi,
  { id, path, signal }: { readonly id: string; readonly path: string; readonly signal: AbortSignal },
): Promise<PathStat> {
  try {
    return await engine.containerArchiveStat({ id, path, signal });
  } catch (cause) {
    if (codeOf(cause) !== 'NOT_FOUND') throw cause;
    await engine.containerInspect({ id, signal });
    throw new IechorError('NOT_FOUND', `Could not find the file ${path} in container ${id}`, { cause });
  }
}

/** Copies from a container to the disk, or as a tar archive to standard output (`-`). */
export async function copyFromContainer(
  engine: EngineApi,
  { id, path }: { readonly id: string; readonly path: string },
  { target, ...options }: CopyOptions & { readonly target: string },
): Promise<void> {
  const { signal } = options;
  const asked = path.startsWith('/') ? path : `/${path}`;
  let stat = await statInContainer(engine, { id, path: asked, signal });
  const name = posix.basename(posix.normalize(asked));
  let source = asked;
  if (options.followLink && isGoSymlink(stat.mode)) {
    source = stat.linkTarget;
    stat = await statInContainer(engine, { id, path: source, signal });
  }
  const open = () => engine.containerArchiveGet({ id, path: source, signal });
  if (target === '-') {
    await pipeline(await open(), process.stdout, { end: false });
    return;
  }
  const found = statSync(target, { throwIfNoEntry: false });
  const isDirectory = isGoDirectory(stat.mode);
  const to = copyTarget(
    { path: asked, name, isDirectory },
    target,
    found && { path: target, isDirectory: found.isDirectory() },
  );
  await unpack(await open(), {
    // A link that the user names is followed; links of the archive are not.
    root: found && to === target ? realpathSync(to) : resolve(to),
    archive: options.archive,
    prefix: firstName(source),
  });
}

/** What the names in the archive of a path begin with: nothing for `dir/.`, which means what is in the directory. */
export function firstName(path: string): string {
  return /(?:^|\/)\.\/*$/.test(path) ? '' : posix.basename(posix.normalize(path));
}

/** Writes all entries of an archive below a directory, as the caller's own; `check` sees each before. */
export const unpackInto = (root: string, tar: Readable, check?: Unpacking['check']): Promise<void> =>
  unpack(tar, { root, prefix: '', archive: false, check });

interface Unpacking {
  /** What the archive's first entry becomes. */
  readonly root: string;
  /** Its name in the archive. */
  readonly prefix: string;
  readonly archive: boolean;
  readonly check?: ((header: Header) => void) | undefined;
}

/** Writes the entries of an archive at and below `root`, following no link that it made. */
async function unpack(tar: Readable, unpacking: Unpacking): Promise<void> {
  const directories = new Map<string, Header>();
  const entries = tar.pipe(extract());
  tar.on('error', (error) => entries.destroy(error));
  for await (const entry of entries) {
    const place = placeOf(entry.header.name, unpacking);
    const { header } = entry;
    unpacking.check?.(header);
    if (header.type === 'directory') {
      makeDirectory(place);
      directories.set(place, header);
      entry.resume();
    } else {
      if (header.type === 'file' || header.type === 'contiguous-file') {
        makeRoom(place);
        await pipeline(entry, createWriteStream(place, { flags: 'wx', mode: 0o600 }));
      } else {
        entry.resume();
        if (!makeOther(place, header, unpacking)) continue;
      }
      if (header.type !== 'link') finish(place, header, unpacking);
    }
  }
  for (const [place, header] of [...directories].reverse()) finish(place, header, unpacking);
}

function placeOf(name: string, { root, prefix }: Unpacking): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (prefix !== '' && parts[0] === prefix) parts.shift();
  if (parts.includes('..')) throw damaged(name);
  let place = root;
  for (const part of parts) {
    if (lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink()) throw damaged(name);
    place = `${place}/${part}`;
  }
  return place;
}

function damaged(name: string): IechorError {
  return new IechorError('ARCHIVE_INVALID', `the engine's archive leads out of itself at ${JSON.stringify(name)}`);
}

function makeDirectory(place: string): void {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return;
  if (stat) rmSync(place);
  mkdirSync(place, { mode: 0o700 });
}

function makeRoom(place: string): void {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat?.isDirectory()) throw new IechorError('USAGE', `cannot copy a file over the directory ${place}`);
  if (stat) rmSync(place);
}

/** Links; false for devices and the like, which a copy leaves out. */
function makeOther(place: string, header: Header, unpacking: Unpacking): boolean {
  if (header.type !== 'symlink' && header.type !== 'link') {
    process.stderr.write(`left out: ${header.name} (${header.type})\n`);
    return false;
  }
  makeRoom(place);
  if (header.type === 'symlink') symlinkSync(header.linkname ?? '', place);
  else linkSync(placeOf(header.linkname ?? '', unpacking), place);
  return true;
}

function finish(place: string, header: Header, { archive }: Unpacking): void {
  if (archive) lchownSync(place, header.uid ?? 0, header.gid ?? 0);
  if (header.type === 'symlink') return;
  chmodSync(place, header.mode ?? 0o644);
  if (header.mtime) utimesSync(place, header.mtime, header.mtime);
}
