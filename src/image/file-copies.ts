import { chmodSync, constants, copyFileSync, lchownSync } from 'node:fs';
import { pathBytes, systemPath } from '../common/byte-path.ts';
import { codeOf } from '../common/error.ts';
import { getXattr, listXattrs, setTimes, setXattr } from '../host/file-syscalls.ts';
import { isOverlayXattr } from './lower.ts';

/** A regular file to copy to a name that is free. */
export interface FileCopy {
  /** Paths as of `nameOf`. */
  readonly from: string;
  readonly to: string;
  /** Without it the copy has the owner of this process. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Permission bits; without it those of the source. */
  readonly mode: number | undefined;
  readonly mtimeNs: bigint;
  readonly withXattrs: boolean;
}

/** COPYFILE_FICLONE shares the blocks where the file system can. */
export const copyFlags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

/** Copies content, then owner, permissions (which a new owner takes away), attributes and time. */
export function copyRegularFile(copy: FileCopy): void {
  copyFileSync(systemPath(copy.from), systemPath(copy.to), copyFlags);
  finishCopy(copy);
}

/** All but the content. */
export function finishCopy({ from, to, owner, mode, mtimeNs, withXattrs }: FileCopy): void {
  const place = systemPath(to);
  if (owner) lchownSync(place, owner.uid, owner.gid);
  if (mode !== undefined) chmodSync(place, mode);
  if (withXattrs) copyXattrs(from, to);
  setTimes(pathBytes(to), mtimeNs);
}

/** Attributes that the target's file system refuses are left out, as Docker leaves them; overlayfs's own are not copied. */
export function copyXattrs(from: string, to: string): void {
  const source = pathBytes(from);
  for (const name of listXattrs(source)) {
    const value = isOverlayXattr(name) ? undefined : getXattr(source, name);
    if (!value) continue;
    try {
      setXattr(pathBytes(to), name, value);
    } catch (error) {
      if (!['ENOTSUP', 'EOPNOTSUPP', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
    }
  }
}
