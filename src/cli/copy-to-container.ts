import { createReadStream, lstatSync, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { basename, join, posix, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Header, type Pack, pack } from 'tar-stream';
import type { EngineApi } from '../api/engine-api.ts';
import { codeOf, IechorError } from '../common/error.ts';
import { type CopyOptions, isGoDirectory, isGoSymlink } from './copy-from-container.ts';
import { type CopySide, copyTarget } from './copy-target.ts';

/**
 * Copies from the disk to a container, or unpacks a tar archive (`-`: from `input`, else standard input) in a directory
 * of it.
 */
export async function copyToContainer(
  engine: EngineApi,
  source: string,
  { id, path, ...options }: CopyOptions & { readonly id: string; readonly path: string; readonly input?: Readable },
): Promise<void> {
  const { archive: copyUIDGID, signal } = options;
  const asked = path.startsWith('/') ? path : `/${path}`;
  const found = await lookInContainer(engine, id, { path: asked, signal });
  const put = (directory: string, body: Readable) =>
    engine.containerArchivePut({ id, path: directory, noOverwriteDirNonDir: true, copyUIDGID, body, signal });
  if (source === '-') {
    if (!found?.isDirectory) {
      throw new IechorError('USAGE', `${asked} is no directory: an archive is unpacked in one`);
    }
    await put(found.path, options.input ?? process.stdin);
    return;
  }
  const stat = options.followLink ? statSync(source) : lstatSync(source);
  const name = basename(resolve(source));
  const target = copyTarget({ path: source, name, isDirectory: stat.isDirectory() }, found?.path ?? asked, found);
  const into = target === found?.path && found.isDirectory;
  const tar = pack();
  const directory = into ? target : posix.dirname(target);
  const packing = packTree(tar, options.followLink ? resolve(source) : source, {
    stat,
    name: into ? '.' : posix.basename(target),
  });
  await Promise.all([
    put(directory, tar as unknown as Readable),
    packing.then(
      () => tar.finalize(),
      (error: Error) => tar.destroy(error),
    ),
  ]);
}

/** What is at a path of the container, a link at its end followed. */
export async function lookInContainer(
  engine: EngineApi,
  id: string,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<CopySide | undefined> {
  let at = path;
  try {
    let stat = await engine.containerArchiveStat({ id, path: at, signal });
    for (let links = 0; isGoSymlink(stat.mode) && links < 10; links++) {
      at = stat.linkTarget;
      stat = await engine.containerArchiveStat({ id, path: at, signal });
    }
    return { path: at, isDirectory: isGoDirectory(stat.mode) };
  } catch (error) {
    if (codeOf(error) === 'NOT_FOUND') return undefined;
    throw error;
  }
}

async function packTree(tar: Pack, path: string, { stat, name }: { stat: Stats; name: string }): Promise<void> {
  const header: Partial<Header> & { name: string } = {
    name,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    mtime: stat.mtime,
  };
  if (stat.isFile()) {
    await pipeline(createReadStream(path), tar.entry({ ...header, size: stat.size }));
  } else if (stat.isSymbolicLink()) {
    tar.entry({ ...header, type: 'symlink', linkname: readlinkSync(path) });
  } else if (stat.isDirectory()) {
    tar.entry({ ...header, type: 'directory' });
    for (const child of readdirSync(path).sort()) {
      const below = join(path, child);
      await packTree(tar, below, { stat: lstatSync(below), name: `${name}/${child}` });
    }
  } else {
    process.stderr.write(`left out: ${path} (neither a file, a directory nor a link)\n`);
  }
}
