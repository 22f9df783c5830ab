import { closeSync, constants, lstatSync, mkdirSync, openSync, readlinkSync } from 'node:fs';
import { codeOf } from '../common/error.ts';
import { closeOwn, openDirBeneath, pathIn } from '../host/file-syscalls.ts';
import { invalid } from './tar-format.ts';

/** Paths below the root of an extraction: bytes as latin1, no leading slash, no `.`, `..` or empty part; root: ''. */
export type InnerPath = string;

const maxOpen = 64;
const maxLinks = 40;

export const toBytes = (text: string): Buffer => Buffer.from(text, 'latin1');

export function parentOf(path: InnerPath): InnerPath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
export function baseOf(path: InnerPath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Reduces a name of an archive to a path below the root. Throws ARCHIVE_INVALID where it climbs out. */
export function innerPath(name: string): InnerPath {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw invalid(`the name ${JSON.stringify(name.slice(0, 200))} leads out of it`);
  }
  return parts.join('/');
}

/** Open directories below a root, reached without following a link the caller did not resolve. */
export interface Directories {
  /** Path of an entry through its open parent; missing parents are made by `make`. The root itself: `.` in it. */
  place(path: InnerPath, options: { make: boolean }): Buffer;
  /** The same path with links among its parents resolved inside the root. */
  resolve(path: InnerPath): InnerPath;
  /** To be called when a directory was removed or replaced; what lies above it stays open. */
  forget(path: InnerPath): void;
  close(): void;
}

/** `onMade` sees each directory that `place` had to make (mode 0755, owner root). */
export function openDirectories(rootPath: string, onMade: (path: InnerPath, place: Buffer) => void): Directories {
  const root = openSync(rootPath, constants.O_DIRECTORY | constants.O_RDONLY);
  const open = new Map<InnerPath, number>();
  const forget = (gone: InnerPath) => {
    for (const [path, fd] of open) {
      if (gone !== '' && path !== gone && !path.startsWith(`${gone}/`)) continue;
      closeOwn(fd);
      open.delete(path);
    }
  };
  const keep = (path: InnerPath, fd: number): number => {
    if (open.size >= maxOpen) forget('');
    open.set(path, fd);
    return fd;
  };
  const place = (path: InnerPath, options: { make: boolean }): Buffer =>
    path === '' ? pathIn(root, toBytes('.')) : pathIn(directory(parentOf(path), options.make), toBytes(baseOf(path)));
  const directory = (path: InnerPath, make: boolean): number => {
    if (path === '') return root;
    const known = open.get(path);
    if (known !== undefined) return known;
    try {
      return keep(path, openDirBeneath(root, toBytes(path)));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || !make) throw error;
    }
    const at = place(path, { make });
    mkdirSync(at, { mode: 0o755 });
    onMade(path, at);
    return keep(path, openDirBeneath(root, toBytes(path)));
  };
  const linkAt = (path: InnerPath): string | undefined => {
    try {
      const at = place(path, { make: false });
      return lstatSync(at).isSymbolicLink() ? readlinkSync(at, { encoding: 'latin1' }) : undefined;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  };
  const resolve = (path: InnerPath): InnerPath => {
    const parent = parentOf(path);
    try {
      directory(parent, false);
      return path;
    } catch (error) {
      // Without a link on the way the first missing part is simply missing.
      if (codeOf(error) === 'ENOENT') return path;
      if (codeOf(error) !== 'ELOOP') throw error;
    }
    const resolved = resolveLinks(parent, linkAt);
    return resolved === '' ? baseOf(path) : `${resolved}/${baseOf(path)}`;
  };
  const close = () => {
    forget('');
    closeSync(root);
  };
  return { place, resolve, forget, close };
}

/** Absolute links start at the root; relative ones that climb out of it are refused. */
function resolveLinks(path: InnerPath, linkAt: (path: InnerPath) => string | undefined): InnerPath {
  const todo = path.split('/').reverse();
  let done: string[] = [];
  let links = 0;
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (done.pop() === undefined) throw invalid(`${JSON.stringify(path)} leads out of it through a symbolic link`);
      continue;
    }
    const target = linkAt([...done, part].join('/'));
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > maxLinks) throw invalid(`${JSON.stringify(path)} goes through too many symbolic links`);
    if (target.startsWith('/')) done = [];
    todo.push(...target.split('/').reverse());
  }
  return done.join('/');
}
