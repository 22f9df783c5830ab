import { closeSync, constants, ftruncateSync, linkSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { IechorError } from '../common/error.ts';
import { setTimes } from '../host/file-syscalls.ts';
import { innerPath, openDirectories } from './extract-dirs.ts';
import {
  finishFile,
  openFile,
  placeDirectory,
  placeLink,
  placeNode,
  placeSymlink,
  takeDirectoryFromBelow,
} from './extract-entries.ts';
import { account, type Extraction, type ExtractOptions, guarded } from './extraction.ts';
import { openLower } from './lower.ts';
import { invalid, type TarEntry } from './tar-format.ts';
import type { AdoptingSink } from './tar-reader.ts';
import { placeWhiteout, reopenParents } from './whiteouts.ts';

export interface Extracted {
  /** Sum of the sizes of the files written. */
  readonly sizeBytes: number;
  readonly entries: number;
  /** True where what one entry brought had to give way to another. */
  readonly replaced: boolean;
}

export interface Extractor extends AdoptingSink {
  /** Where the file is placed whose content comes now; undefined where no file is open. */
  openPath(): string | undefined;
  /** Sets the times of directories and returns the result. */
  finish(): Extracted;
  /** Releases descriptors; to be called in the end, whatever happened. */
  close(): void;
}

/**
 * Writes the entries of an archive below a directory, synchronously, each path reached without following a link that
 * leads out. Throws ARCHIVE_INVALID and NO_SPACE; what was written until then stays for the caller to remove.
 */
export function createExtractor(options: ExtractOptions): Extractor {
  const state = begin(options);
  let file: OpenFile | undefined;
  let current: TarEntry | undefined;
  /** Where the next bytes of the open file go. */
  let position = 0;
  let endsInHole = false;
  const closeFile = () => {
    if (file) closeSync(file.fd);
    file = undefined;
  };
  const step = <T>(action: () => T): T => guarded(state, current?.name ?? '', action);
  return {
    openPath: () => file?.path,
    entry: (entry) => {
      current = { ...entry, mtimeNs: timeOf(entry, options) };
      file = step(() => place(state, current ?? entry));
      position = 0;
      endsInHole = false;
    },
    data: (bytes) => {
      const fd = file?.fd;
      if (fd === undefined) return;
      endsInHole = false;
      account(state, bytes.length);
      step(() => {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
      });
      position += bytes.length;
    },
    hole: (length) => {
      if (file === undefined) return;
      account(state, length);
      position += length;
      endsInHole = true;
      // What is written of it anew has no holes: another archive than this.
      state.replaced = true;
    },
    adopt: (from) => {
      const opened = file;
      if (opened === undefined) return;
      account(state, current?.size ?? 0);
      step(() => {
        unlinkSync(opened.place);
        linkSync(from, opened.place);
        closeFile();
        file = { ...opened, fd: openSync(opened.place, constants.O_RDONLY | constants.O_NOFOLLOW) };
      });
    },
    done: () => {
      const [opened, entry] = [file, current];
      if (opened && endsInHole) step(() => ftruncateSync(opened.fd, position));
      if (opened && entry) step(() => finishFile(state, opened, entry));
      closeFile();
    },
    finish: () => {
      for (const [path, timeNs] of state.directoryTimes) {
        step(() => setTimes(state.directories.place(path, { make: false }), timeNs));
      }
      return { sizeBytes: state.sizeBytes, entries: state.entries, replaced: state.replaced };
    },
    close: () => {
      closeFile();
      state.directories.close();
      state.lower.close();
    },
  };
}

/** Docker keeps times of sixty-four bits of nanoseconds from 1970 on; anything else is 1970. */
const latestNs = 2n ** 63n - 1n;

function timeOf({ mtimeNs }: TarEntry, { newestNs, asAdded }: ExtractOptions): bigint {
  if (asAdded && (mtimeNs < 0n || mtimeNs > latestNs)) return 0n;
  return newestNs !== undefined && mtimeNs > newestNs ? newestNs : mtimeNs;
}

function begin(options: ExtractOptions): Extraction {
  const lower = openLower(options.lower ?? []);
  const directoryTimes = new Map<string, bigint>();
  const directories = openDirectories(options.root, (path, place) => {
    directoryTimes.set(path, takeDirectoryFromBelow(lower, path, place));
  });
  return {
    options,
    isLayer: options.lower !== undefined,
    directories,
    lower,
    whiteouts: new Set(),
    directoryTimes,
    sizeBytes: 0,
    entries: 0,
    replaced: false,
  };
}

interface OpenFile {
  readonly fd: number;
  readonly place: Buffer;
  readonly path: string;
}

/** Places one entry; a file is returned open, to receive its content. */
function place(state: Extraction, entry: TarEntry): OpenFile | undefined {
  state.entries++;
  const own = innerPath(entry.name);
  const inRoot = (path: string) => state.directories.resolve(innerPath(`${state.options.prefix ?? ''}/${path}`));
  if (state.isLayer) {
    if (placeWhiteout(state, own)) return undefined;
    reopenParents(state, own);
  }
  if (own === '' && entry.type !== 'directory') {
    if (state.isLayer) throw invalid('its root is not a directory');
    return undefined; // as Docker, which leaves it out
  }
  const path = inRoot(own);
  if (entry.type !== 'directory') refuseBusy(state, path);
  switch (entry.type) {
    case 'file':
      return { ...openFile(state, path), path };
    case 'directory':
      placeDirectory(state, path, entry);
      return undefined;
    case 'symlink':
      placeSymlink(state, path, entry);
      return undefined;
    case 'link':
      placeLink(state, path, inRoot(innerPath(entry.linkName)), entry);
      return undefined;
    case 'character':
    case 'block':
    case 'fifo':
      placeNode(state, path, entry, entry.type);
      return undefined;
  }
}

function refuseBusy({ options, directories }: Extraction, path: string): void {
  const isPlace = (file: string) => directories.resolve(innerPath(Buffer.from(file).toString('latin1'))) === path;
  if (!options.busy?.some(isPlace)) return;
  const name = Buffer.from(path, 'latin1').toString().replace(/^.*\//, '');
  throw new IechorError('IN_USE', `RemoveAll ${name}: device or resource busy`, {
    hint: 'something is mounted on it: write into the file from inside, e.g. with "iechor exec"',
  });
}
