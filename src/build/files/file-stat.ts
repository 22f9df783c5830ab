import { type BigIntStats, constants, lstatSync } from 'node:fs';
import { systemPath } from '../../common/byte-path.ts';

/**
 * What one look at a file tells, of itself and not of what it links to. Node's own answer takes four times the memory,
 * and a context may have a million files. Sizes in bytes; inodes and times are whole, as they tell files apart.
 */
export class FileStat {
  readonly dev: number;
  readonly ino: bigint;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;

  constructor(stat: BigIntStats) {
    this.dev = Number(stat.dev);
    this.ino = stat.ino;
    this.mode = Number(stat.mode);
    this.nlink = Number(stat.nlink);
    this.uid = Number(stat.uid);
    this.gid = Number(stat.gid);
    this.rdev = Number(stat.rdev);
    this.size = Number(stat.size);
    this.mtimeNs = stat.mtimeNs;
    this.ctimeNs = stat.ctimeNs;
  }

  isFile(): boolean {
    return (this.mode & constants.S_IFMT) === constants.S_IFREG;
  }

  isDirectory(): boolean {
    return (this.mode & constants.S_IFMT) === constants.S_IFDIR;
  }

  isSymbolicLink(): boolean {
    return (this.mode & constants.S_IFMT) === constants.S_IFLNK;
  }

  /** Whether the content is the same, too: nothing but the kernel sets the change time. */
  hasContentOf(other: FileStat): boolean {
    const isFile = this.ino === other.ino && this.dev === other.dev;
    return isFile && this.size === other.size && this.mtimeNs === other.mtimeNs && this.ctimeNs === other.ctimeNs;
  }

  /** The same for the same content, in that sense. */
  get contentKey(): string {
    return `${this.dev}:${this.ino}:${this.size}:${this.mtimeNs}:${this.ctimeNs}`;
  }
}

/** Of a path as `systemPath` takes it. Throws as lstat. */
export const statOf = (path: string): FileStat => new FileStat(lstatSync(systemPath(path), { bigint: true }));
