import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import type { EngineApi } from '../../api/engine-api.ts';
import { codeOf, IechorError, messageOf } from '../../common/error.ts';
import { runCommand } from '../run/run-command.ts';
import { type ServiceWork, topmost } from './changes.ts';

/** Bytes of arguments of one `rm`: well below what the kernel takes. */
const argumentBytes = 64 * 1024;
/** Files up to this size are read in one go. */
const wholeBytes = 256 * 1024;

/** Brings one container up to date: what is gone is removed, what changed comes in one archive. */
export async function syncContainer(
  engine: EngineApi,
  id: string,
  { copies, removals, signal }: Pick<ServiceWork, 'copies' | 'removals'> & { readonly signal: AbortSignal },
): Promise<void> {
  for (const paths of portions(topmost(removals))) {
    const { exitCode, output } = await runCommand(engine, id, {
      command: ['rm', '-rf', '--', ...paths],
      user: '0',
      signal,
    });
    if (exitCode === 0) continue;
    throw new IechorError(
      'ENGINE_ERROR',
      `cannot remove ${paths.join(', ')}: ${output.trim() || `exit code ${exitCode}`}`,
    );
  }
  if (copies.size === 0) return;
  const put = async (files: ReadonlyMap<string, string>, keepTypes: boolean): Promise<void> => {
    const tar = pack();
    const writing = writeAll(tar, files).catch((error: Error) => void tar.destroy(error));
    const at = { id, path: '/', noOverwriteDirNonDir: keepTypes, body: tar as unknown as Readable, signal };
    // Files belong to the container's own user, who is to work with them.
    await engine.containerArchivePut({ ...at, copyUIDGID: true });
    await writing;
  };
  const directories = [...copies].filter(([, path]) => isDirectory(path)).map(([target]) => target);
  if (directories.length === 0) return put(copies, false);
  try {
    await put(copies, true);
  } catch (error) {
    if (!/cannot overwrite|would replace/.test(messageOf(error))) throw error;
    const linked = await directoriesBehindLinks(engine, id, { directories, signal });
    await put(new Map([...copies].filter(([target]) => !linked.has(target))), false);
  }
}

const isDirectory = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** Directories that are links to directories in the container: what is in ours goes through them. */
async function directoriesBehindLinks(
  engine: EngineApi,
  id: string,
  { directories, signal }: { readonly directories: readonly string[]; readonly signal: AbortSignal },
): Promise<Set<string>> {
  const linked = new Set<string>();
  const stat = (path: string) => engine.containerArchiveStat({ id, path, signal }).catch(() => undefined);
  for (const path of directories) {
    const { mode = 0, linkTarget = '' } = (await stat(path)) ?? {};
    if (!isOf(mode, goModeBits.symlink)) continue;
    if (isOf((await stat(linkTarget))?.mode ?? 0, goModeBits.directory)) linked.add(path);
  }
  return linked;
}

const goModeBits = { directory: 2 ** 31, symlink: 2 ** 27 };
const isOf = (mode: number, bit: number) => Math.floor(mode / bit) % 2 === 1;

function portions(paths: readonly string[]): string[][] {
  const out: string[][] = [];
  let bytes = argumentBytes;
  for (const path of paths) {
    bytes += Buffer.byteLength(path) + 1;
    if (bytes > argumentBytes) {
      out.push([]);
      bytes = Buffer.byteLength(path) + 1;
    }
    out.at(-1)?.push(path);
  }
  return out;
}

/** Directories before what is in them. What has gone meanwhile is left out: its removal comes with the next batch. */
async function writeAll(tar: Pack, copies: ReadonlyMap<string, string>): Promise<void> {
  for (const [target, path] of [...copies].sort(([a], [b]) => (a < b ? -1 : 1))) {
    try {
      await writeOne(tar, target.slice(1), path);
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO'].includes(codeOf(error) ?? '')) throw error;
    }
  }
  tar.finalize();
}

async function writeOne(tar: Pack, name: string, path: string): Promise<void> {
  const stat = lstatSync(path);
  const header = { name, mode: stat.mode & 0o7777, uid: 0, gid: 0, mtime: stat.mtime };
  if (stat.isSymbolicLink()) return void tar.entry({ ...header, type: 'symlink', linkname: readlinkSync(path) });
  if (stat.isDirectory()) return void tar.entry({ ...header, type: 'directory' });
  if (!stat.isFile()) return;
  // Small files are the rule, and many: one call each is what they cost.
  if (stat.size <= wholeBytes) return void tar.entry(header, readFileSync(path));
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    await pipeline(exactly(file, size), tar.entry({ ...header, size }));
  } finally {
    await file.close();
  }
}

/** A file may shrink or grow while it is read: the archive gets what was announced, the next batch the rest. */
async function* exactly(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  const chunk = 256 * 1024;
  for (let at = 0; at < size; ) {
    const wanted = Math.min(chunk, size - at);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(wanted), 0, wanted, at);
    const piece = bytesRead === 0 ? buffer : buffer.subarray(0, bytesRead);
    at += piece.length;
    yield piece;
  }
}
