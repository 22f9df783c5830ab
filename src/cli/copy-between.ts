import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header, pack } from 'tar-stream';
import type { EngineApi } from '../api/engine-api.ts';
import { type CopyOptions, firstName, isGoDirectory, isGoSymlink, statInContainer } from './copy-from-container.ts';
import { copyTarget } from './copy-target.ts';
import { lookInContainer } from './copy-to-container.ts';

/** A path of a container. */
export interface ContainerPath {
  readonly id: string;
  readonly path: string;
}

const absolute = (path: string): string => (path.startsWith('/') ? path : `/${path}`);

/** Copies from a container to another (or the same) one; nothing is kept on the way. Rules as with `docker cp`. */
export async function copyBetween(
  engine: EngineApi,
  from: ContainerPath,
  { to, followLink, archive, signal }: CopyOptions & { readonly to: ContainerPath },
): Promise<void> {
  const asked = absolute(from.path);
  let source = asked;
  let stat = await statInContainer(engine, { id: from.id, path: source, signal });
  if (followLink && isGoSymlink(stat.mode)) {
    source = stat.linkTarget;
    stat = await statInContainer(engine, { id: from.id, path: source, signal });
  }
  const found = await lookInContainer(engine, to.id, { path: absolute(to.path), signal });
  const name = posix.basename(posix.normalize(asked));
  const isDirectory = isGoDirectory(stat.mode);
  const target = copyTarget({ path: asked, name, isDirectory }, found?.path ?? absolute(to.path), found);
  const into = target === found?.path && found.isDirectory;
  const tar = pack();
  const put = engine.containerArchivePut({
    id: to.id,
    path: into ? target : posix.dirname(target),
    noOverwriteDirNonDir: true,
    copyUIDGID: archive,
    body: tar as unknown as Readable,
    signal,
  });
  const renaming = rename(await engine.containerArchiveGet({ id: from.id, path: source, signal }), tar, {
    from: firstName(source),
    to: into ? '.' : posix.basename(target),
  });
  await Promise.all([put, renaming.catch((error: Error) => void tar.destroy(error))]);
}

/** Hands an archive on under another first name; a hard link's goal is renamed with it. */
async function rename(
  archive: Readable,
  tar: ReturnType<typeof pack>,
  names: { readonly from: string; readonly to: string },
): Promise<void> {
  const renamed = (name: string): string => {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    if (names.from !== '' && parts[0] === names.from) parts.shift();
    return [names.to, ...parts].join('/');
  };
  const entries = archive.pipe(extract());
  archive.on('error', (error) => entries.destroy(error));
  for await (const entry of entries) {
    const { header } = entry;
    const { pax: _, ...plain } = header as Header & { pax?: unknown };
    const own: Header = { ...plain, name: renamed(header.name) };
    if (header.type === 'link') own.linkname = renamed(header.linkname ?? '');
    if (header.type === 'file' || header.type === 'contiguous-file') {
      await pipeline(entry, tar.entry(own));
    } else {
      entry.resume();
      tar.entry(own);
    }
  }
  tar.finalize();
}
