import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, openSync, readlinkSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { nameOf, pathBytes, systemPath } from '../../common/byte-path.ts';
import { getXattr, listXattrs } from '../../host/file-syscalls.ts';
import { isOverlayXattr } from '../../image/lower.ts';
import { createBreath } from '../breathe.ts';
import { statOf } from './file-stat.ts';
import type { PlannedEntry, PlannedSource } from './plan-copy.ts';
import type { SourceView } from './source-view.ts';

/** Path in the source to type, mode, owner, content and what is said beside it (capabilities); never times. */
export type Fingerprint = Readonly<Record<string, string>>;

/** Content hashes of files read in this build, or being read, that no index knows: by `FileStat.contentKey`. */
export type HashMemo = Map<string, string | Promise<string>>;

const parallelReads = 4;

export interface Content {
  /** One digest for all files, in their order. */
  readonly digest: string;
  readonly files: Fingerprint;
}

/** What decides whether a copy of these sources would give the same files; `unnamed`: whatever the source is called. */
export async function hashContent(
  sources: readonly PlannedSource[],
  view: SourceView,
  options: { readonly memo: HashMemo; readonly signal: AbortSignal; readonly unnamed?: boolean | undefined },
): Promise<Content> {
  const items = sources.flatMap((source) => source.entries.map((entry) => ({ source, entry })));
  const lines = new Array<string>(items.length);
  let next = 0;
  const breathe = createBreath();
  const work = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at];
      if (!item) continue;
      options.signal.throwIfAborted();
      const pause = breathe();
      if (pause) await pause;
      const line = describe(item.entry, view, options.memo);
      lines[at] = typeof line === 'string' ? line : await line;
    }
  };
  await Promise.all(Array.from({ length: parallelReads }, work));
  const hash = createHash('sha256');
  const files: Record<string, string> = {};
  for (const [at, { source, entry }] of items.entries()) {
    const line = lines[at] ?? '';
    const name = source.isDirectory ? entry.path || '.' : source.name;
    const start = entry === source.entries[0] ? source.isDirectory || options.unnamed || source.name : '';
    hash.update(JSON.stringify([start, entry.path, line]));
    files[name in files ? `${name} (${at})` : name] = line;
  }
  return { digest: hash.digest('hex'), files };
}

/** At once, unless content has to be read: a wait for each of many files is what would take the time. */
function describe(entry: PlannedEntry, view: SourceView, memo: HashMemo): string | Promise<string> {
  const { stat } = entry;
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
  const owner = view.ownedByRoot ? '0:0' : `${stat.uid}:${stat.gid}`;
  if (stat.isSymbolicLink()) return `link ${owner} ${nameOf(readlinkSync(systemPath(entry.from), 'buffer'))}`;
  if (!stat.isFile() && !stat.isDirectory()) return `special ${stat.mode} ${stat.rdev} ${owner}`;
  const beside = view.ownedByRoot ? '' : attributesOf(entry.from);
  if (stat.isDirectory()) {
    // Nobody sees the permissions of the context itself.
    const isContext = view.ownedByRoot && entry.from === view.root;
    const line = `${entry.onTheWay ? 'way' : 'dir'} ${isContext ? '0755' : mode} ${owner}`;
    return beside === '' ? line : `${line} - ${beside}`;
  }
  const known = view.index?.find(stat);
  if (known !== undefined) return `file ${mode} ${owner} ${known}`;
  const content = memo.get(stat.contentKey) ?? hashAndNote(entry, view, memo);
  const line = (hash: string) => `file ${mode} ${owner} ${hash}${beside === '' ? '' : ` ${beside}`}`;
  return typeof content === 'string' ? line(content) : content.then(line);
}

/** Extended attributes that a copy takes along, as a hash; empty where there are none. */
function attributesOf(from: string): string {
  const path = pathBytes(from);
  const names = listXattrs(path).filter((name) => !isOverlayXattr(name));
  if (names.length === 0) return '';
  const hash = createHash('sha256');
  for (const name of names.sort()) hash.update(JSON.stringify([name, getXattr(path, name)?.toString('hex')]));
  return hash.digest('hex').slice(0, 32);
}

/** At once for a small file: a promise for each of many would take more memory than all else that is known of it. */
function hashAndNote({ from, stat }: PlannedEntry, view: SourceView, memo: HashMemo): string | Promise<string> {
  const note = (hash: string): string => {
    if (!view.index?.put(stat, statOf(from), hash)) memo.set(stat.contentKey, hash);
    return hash;
  };
  const hash = createHash('sha256');
  if (stat.size <= smallBytes) return note(hashSmall(from, hash));
  const reading = hashLarge(from, hash).then(note);
  memo.set(stat.contentKey, reading);
  return reading;
}

const smallBytes = 256 << 10;

type Pair = readonly [Buffer, Buffer];
/** Pairs of buffers that nobody uses: a new one for each read would fill memory faster than it is collected. */
const idlePairs: Pair[] = [];
const pieceBytes = 128 * 1024;

/** One piece is read while the one before is hashed. */
async function hashLarge(path: string, hash: Hash): Promise<string> {
  const handle = await open(systemPath(path), constants.O_RDONLY | constants.O_NOFOLLOW);
  const pair = idlePairs.pop() ?? [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)];
  try {
    let [next, after]: Pair = pair;
    for (let reading = handle.read(next); ; ) {
      const { bytesRead, buffer } = await reading;
      if (bytesRead === 0) return hash.digest('hex');
      [next, after] = [after, next];
      reading = handle.read(next);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    idlePairs.push(pair);
    await handle.close();
  }
}

/** One buffer for all small files, as for the large ones. */
let shared: Buffer | undefined;

function hashSmall(path: string, hash: Hash): string {
  shared ??= Buffer.allocUnsafeSlow(smallBytes);
  const fd = openSync(systemPath(path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (;;) {
      const length = readSync(fd, shared);
      if (length === 0) return hash.digest('hex');
      hash.update(shared.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
}
