import { statfsSync } from 'node:fs';
import { codeOf, IechorError, isIechorError, messageOf } from '../common/error.ts';
import type { Directories } from './extract-dirs.ts';
import type { Lower } from './lower.ts';
import { invalid } from './tar-format.ts';

export interface ExtractOptions {
  /** Existing directory that nothing leaves. */
  readonly root: string;
  /** Where in `root` the archive's own root is, default `/`; links in it are resolved inside `root`. */
  readonly prefix?: string;
  /**
   * The archive is an image layer over these directories (top first, none for a base): whiteouts become overlayfs's,
   * hard links may go to files below, devices are made. Otherwise `.wh.` names are ordinary ones.
   */
  readonly lower?: readonly string[];
  /** Devices outside a layer, default `refuse`. */
  readonly devices?: 'make' | 'refuse' | 'skip';
  /** Owner of everything, in place of the archive's. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /**
   * Refuses to put a directory in the place of something else. The other way round is refused always, apart from layers
   * and from an archive that may take the place of directories.
   */
  readonly keepTypes?: boolean;
  readonly mayReplaceDirectories?: boolean;
  /** Files that something is mounted on, absolute in `root`: nothing takes their place. Throws IN_USE. */
  readonly busy?: readonly string[];
  /**
   * As Docker's ADD: times before 1970, and after what 64 bits of nanoseconds hold, become 1970; contiguous files, and
   * sparse ones in GNU's own form, are refused.
   */
  readonly asAdded?: boolean;
  /** Anything younger gets this time, in nanoseconds since the epoch. */
  readonly newestNs?: bigint;
  /** Largest sum of file sizes, default 256 GiB. */
  readonly maxBytes?: number;
}

/** State of one extraction, shared by the functions that place entries. */
export interface Extraction {
  readonly options: ExtractOptions;
  readonly isLayer: boolean;
  readonly directories: Directories;
  readonly lower: Lower;
  /** Paths whited out by this archive. */
  readonly whiteouts: Set<string>;
  /** Times of directories are set at the end, since making entries changes them. */
  readonly directoryTimes: Map<string, bigint>;
  sizeBytes: number;
  entries: number;
  /** An entry took the place of another one's content. */
  replaced: boolean;
}

const defaultMaxBytes = 256 * 1024 ** 3;
/** Free space that an extraction leaves to others; looked at each time this much was written. */
const reserveBytes = 64 * 1024 ** 2;

/** Counts bytes written. Throws ARCHIVE_INVALID past the bound, NO_SPACE before the disk is full. */
export function account(state: Extraction, bytes: number): void {
  const before = state.sizeBytes;
  state.sizeBytes += bytes;
  const limit = state.options.maxBytes ?? defaultMaxBytes;
  if (state.sizeBytes > limit) throw invalid(`it unpacks to more than ${limit} bytes`);
  if (Math.floor(before / reserveBytes) === Math.floor(state.sizeBytes / reserveBytes)) return;
  const { bavail, bsize } = statfsSync(state.options.root);
  if (bavail * bsize < reserveBytes) throw noSpace(state.options.root);
}

/** `root` names the file system. */
export function noSpace(root: string, cause?: unknown): IechorError {
  return new IechorError('NO_SPACE', `no space left on the file system of ${root}`, {
    hint: 'free some space, e.g. with "iechor system prune"',
    cause,
  });
}

export const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');

/** What an archive causes by its names and types; everything else is the host's or ours. */
const causedByArchive = new Set([
  'ENAMETOOLONG',
  'ENOTDIR',
  'EISDIR',
  'ELOOP',
  'EEXIST',
  'EXDEV',
  'EINVAL',
  'EMLINK',
  'ENOTEMPTY',
]);

/** Runs one step of an extraction, turning what the kernel refuses into errors about the entry `name`. */
export function guarded<T>(state: Extraction, name: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (isIechorError(error)) throw error;
    if (isFull(error)) throw noSpace(state.options.root, error);
    const code = codeOf(error) ?? '';
    const shown = JSON.stringify(name.length > 200 ? `${name.slice(0, 197)}...` : name);
    if (causedByArchive.has(code)) throw invalid(`${shown} cannot be unpacked (${messageOf(error).split(',')[0]})`);
    if (code === 'ENOTSUP' || code === 'EOPNOTSUPP') {
      const message = `the file system of ${state.options.root} cannot keep an attribute of ${shown}`;
      throw new IechorError('HOST_UNSUPPORTED', message, { cause: error });
    }
    throw error;
  }
}
