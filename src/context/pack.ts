import { createReadStream, lstatSync, readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { type Pack, pack } from 'tar-stream';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import { findIgnoreFile, type IgnoreFile, ignoreFileNames } from './build-file.ts';
import { compileRules, type PathRules, readIgnoreFile } from './patterns.ts';

export interface PackOptions {
  /** Build file, relative to the context: it travels even where the rules exclude it. */
  readonly dockerfile?: string;
  /** Rules, in place of those of the context's ignore file. */
  readonly ignoreFile?: IgnoreFile | undefined;
  /** Files that are not on disk, by name. They take the place of those that are. */
  readonly extra?: Readonly<Record<string, string>>;
  /** Further directories, each with its own ignore rules, by the name they get at the top of the archive. */
  readonly beside?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal;
}

/** Throws BUILD_CONTEXT where there is no directory. */
export function checkDirectory(directory: string): void {
  const stat = statSync(directory, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return;
  throw new IechorError(
    'BUILD_CONTEXT',
    `the build context ${directory} ${stat ? 'is not a directory' : 'does not exist'}`,
    {
      hint: 'Name the directory that holds the files to build from.',
    },
  );
}

/**
 * The build context as a tar stream, in bounded memory: sorted, owned by root, links as links, without what the ignore
 * rules exclude; the build file and the ignore file are always in it. Throws BUILD_CONTEXT; the stream fails with it too.
 */
export function packContext(directory: string, options: PackOptions = {}): Readable {
  checkDirectory(directory);
  const dockerfile = options.dockerfile ?? '';
  const ignoreFile = options.ignoreFile ?? findIgnoreFile(directory, dockerfile);
  const rules = compileRules(ignoreFile ? readIgnoreFile(ignoreFile.text) : []);
  const always = new Set([dockerfile, ...ignoreFileNames(dockerfile).filter((name) => name === ignoreFile?.name)]);
  const tar = pack();
  const extra = new Map(Object.entries(options.extra ?? {}));
  const { signal } = options;
  const write = async (): Promise<void> => {
    await writeContext(tar, { directory, prefix: '', rules, always, extra, inodes: new Map(), signal });
    for (const [prefix, other] of Object.entries(options.beside ?? {}))
      await writeBeside(tar, { prefix, other, signal });
  };
  write().then(
    () => tar.finalize(),
    (error: unknown) => tar.destroy(contextError(error)),
  );
  return tar as unknown as Readable;
}

function contextError(error: unknown): Error {
  if (error instanceof IechorError) return error;
  const reason = codeOf(error) === 'EACCES' ? 'the permission is missing' : messageOf(error);
  const path = typeof error === 'object' && error !== null && 'path' in error ? ` ${String(error.path)}` : '';
  return new IechorError('BUILD_CONTEXT', `cannot read the build context${path}: ${reason}`, {
    hint: 'Exclude it in .iechorignore, or make it readable.',
    cause: error,
  });
}

async function writeBeside(
  tar: Pack,
  {
    prefix,
    other,
    signal,
  }: { readonly prefix: string; readonly other: string; readonly signal: AbortSignal | undefined },
): Promise<void> {
  checkDirectory(other);
  const ignoreFile = findIgnoreFile(other, '');
  const rules = compileRules(ignoreFile ? readIgnoreFile(ignoreFile.text) : []);
  await entry(tar, { ...attributes(prefix, statSync(other)), type: 'directory' });
  const walk = {
    directory: other,
    prefix,
    rules,
    always: new Set<string>(),
    extra: new Map(),
    inodes: new Map(),
    signal,
  };
  await writeDirectory(tar, walk, '');
}

interface Walk {
  readonly directory: string;
  /** Stands before all names in the archive. */
  readonly prefix: string;
  readonly rules: PathRules;
  readonly always: ReadonlySet<string>;
  readonly extra: ReadonlyMap<string, string>;
  /** First name of files with several. */
  readonly inodes: Map<string, string>;
  readonly signal: AbortSignal | undefined;
}

async function writeContext(tar: Pack, walk: Walk): Promise<void> {
  for (const [name, text] of [...walk.extra].sort()) {
    await entry(tar, { name, mode: 0o600, mtime: new Date(0), size: Buffer.byteLength(text) }, text);
  }
  await writeDirectory(tar, walk, '');
}

/** Writes what is below a directory. Excluded ones are looked through where a rule may take something back in. */
async function writeDirectory(tar: Pack, walk: Walk, path: string): Promise<void> {
  const entries = readdirSync(join(walk.directory, path), { withFileTypes: true });
  const names = entries.map((item) => item.name).sort((a, b) => (a < b ? -1 : 1));
  for (const name of names) {
    walk.signal?.throwIfAborted();
    const child = posix.join(path, name);
    if (walk.extra.has(child)) continue;
    const stat = lstatSync(join(walk.directory, child), { throwIfNoEntry: false });
    if (!stat) {
      if (child.includes('\ufffd') && !walk.rules.matches(child)) throw noText(child);
      continue;
    }
    const wanted = walk.always.has(child) || !walk.rules.matches(child);
    if (!stat.isDirectory()) {
      if (wanted) await writeFile(tar, walk, child, stat);
      continue;
    }
    if (wanted) await entry(tar, { ...attributes(posix.join(walk.prefix, child), stat), type: 'directory' });
    if (wanted || mayHoldWanted(walk, child)) await writeDirectory(tar, walk, child);
  }
}

function noText(path: string): IechorError {
  return new IechorError('BUILD_CONTEXT', `${path} has a name that is not UTF-8, which cannot be sent`, {
    hint: 'Rename it, or exclude it in .iechorignore.',
  });
}

function mayHoldWanted(walk: Walk, path: string): boolean {
  return walk.rules.hasExceptions || [...walk.always].some((name) => name.startsWith(`${path}/`));
}

interface Header {
  readonly name: string;
  readonly mode: number;
  readonly mtime: Date;
  readonly size?: number;
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'fifo';
  readonly linkname?: string;
}

function attributes(name: string, stat: Stats): Pick<Header, 'name' | 'mode' | 'mtime'> {
  return { name, mode: stat.mode & 0o7777, mtime: stat.mtime };
}

async function writeFile(tar: Pack, walk: Walk, name: string, stat: Stats): Promise<void> {
  const path = join(walk.directory, name);
  const inArchive = posix.join(walk.prefix, name);
  const head = attributes(inArchive, stat);
  if (stat.isSymbolicLink()) return entry(tar, { ...head, type: 'symlink', linkname: readlinkSync(path) });
  if (stat.isFIFO()) return entry(tar, { ...head, type: 'fifo' });
  if (stat.isSocket()) return entry(tar, { ...head, size: 0 }, ''); // as which BuildKit sends them
  if (!stat.isFile()) return; // devices mean nothing elsewhere
  const inode = `${stat.dev}:${stat.ino}`;
  const first = stat.nlink > 1 ? walk.inodes.get(inode) : undefined;
  if (first !== undefined) return entry(tar, { ...head, type: 'link', linkname: first });
  if (stat.nlink > 1) walk.inodes.set(inode, inArchive);
  if (stat.size === 0) return entry(tar, { ...head, size: 0 }, '');
  if (stat.size <= smallBytes)
    return entry(tar, { ...head, size: stat.size }, exactly(readFileSync(path), stat.size, path));
  await streamFile(tar, { ...head, size: stat.size }, path);
}

function entry(tar: Pack, header: Header, body?: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    if (body === undefined) tar.entry({ ...header, uid: 0, gid: 0 }, done);
    else tar.entry({ ...header, uid: 0, gid: 0 }, body, done);
  });
}

/** Files up to this size are read in one go. */
const smallBytes = 256 << 10;

function exactly(content: Buffer, size: number, path: string): Buffer {
  if (content.length < size) throw shorter(path);
  return content.subarray(0, size);
}

function shorter(path: string): IechorError {
  return new IechorError('BUILD_CONTEXT', `${path} became shorter while it was read`, { hint: 'Build again.' });
}

/** Exactly the size announced: a file that grows is cut, one that shrinks is an error. */
async function streamFile(tar: Pack, header: Header & { size: number }, path: string): Promise<void> {
  const sink = tar.entry({ ...header, uid: 0, gid: 0 }) as unknown as Writable;
  let left = header.size;
  for await (const chunk of createReadStream(path, { end: header.size - 1, highWaterMark: 1 << 18 })) {
    left -= (chunk as Buffer).length;
    if (!sink.write(chunk)) await new Promise<void>((resolve) => sink.once('drain', () => resolve()));
  }
  if (left > 0) throw shorter(path);
  await new Promise<void>((resolve, reject) => {
    sink.once('error', reject);
    sink.once('finish', () => resolve());
    sink.end();
  });
}
