import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { resolveInRoot } from '../host/rooted.ts';
import { maxDocumentBytes } from './image-config.ts';
import type { LayerFile } from './image-port.ts';
import type { CutLayer } from './layer-cut.ts';
import { applyTar } from './tar-apply.ts';

/** An archive of images as it lies on the disk while its layers are unpacked. Names are resolved inside it. */
export interface SpooledArchive {
  has(name: string): boolean;
  /** A document. Throws ARCHIVE_INVALID, also where it is larger than any may be. */
  read(name: string): Buffer;
  /** Space that a layer takes here. Throws ARCHIVE_INVALID. */
  sizeBytes(name: string): number;
  /** A layer to unpack. Throws ARCHIVE_INVALID. */
  layer(name: string): LayerFile;
  /**
   * To be told of all layers, by each use of one, before the first is dropped. Who drops one has no more use for it: after
   * the last it goes, so that what was not written to the disk by then never has to be, and others have the space.
   */
  expect(layers: readonly string[]): void;
  drop(layer: string): void;
}

export function archiveInvalid(reason: string): IechorError {
  return new IechorError('ARCHIVE_INVALID', `not an archive of images: ${reason}`, {
    hint: 'it must come from "iechor save" or "docker save"; a root file system goes through "iechor import"',
  });
}

/** Spools an archive into an empty directory, which the caller removes. Throws as `applyTar`. */
export async function spoolArchive(
  tar: Readable,
  work: string,
  signal: AbortSignal | undefined,
): Promise<SpooledArchive> {
  const [root, cutInto] = [join(work, 'archive'), join(work, 'contents')];
  for (const directory of [root, cutInto]) mkdirSync(directory, { mode: 0o700 });
  const spooled = await applyTar(tar, { root, cutInto, devices: 'refuse', owner: { uid: 0, gid: 0 } }, signal);
  const cuts = cutsByInode(root, spooled.layers ?? new Map());
  const uses = new Map<number, number>();
  const find = (name: string) => {
    const path = resolveInRoot(root, name);
    const stat = path === undefined ? undefined : statSync(path);
    if (path === undefined || !stat?.isFile()) throw archiveInvalid(`${JSON.stringify(name)} is missing`);
    return { path, stat };
  };
  return {
    has: (name) => resolveInRoot(root, name) !== undefined,
    read: (name) => {
      const { path, stat } = find(name);
      if (stat.size > maxDocumentBytes) throw archiveInvalid(`${JSON.stringify(name)} is too large`);
      return readFileSync(path);
    },
    sizeBytes: (name) => find(name).stat.blocks * 512,
    layer: (name) => {
      const { path, stat } = find(name);
      const cut = cuts.get(stat.ino);
      return { path, ...(cut && { cut: { ...cut, last: (uses.get(stat.ino) ?? 1) <= 1 } }) };
    },
    expect: (layers) => {
      for (const name of layers) {
        // What is missing is told when its image comes.
        const path = resolveInRoot(root, name);
        if (path === undefined) continue;
        const { ino } = statSync(path);
        uses.set(ino, (uses.get(ino) ?? 0) + 1);
      }
    },
    drop: (name) => {
      const { path, stat } = find(name);
      const left = (uses.get(stat.ino) ?? 1) - 1;
      uses.set(stat.ino, left);
      if (left === 0) rmSync(path);
    },
  };
}

/** A layer may be reached by several names. */
function cutsByInode(root: string, layers: ReadonlyMap<string, CutLayer>): ReadonlyMap<number, CutLayer> {
  const found = new Map<number, CutLayer>();
  for (const [path, cut] of layers) {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (stat?.isFile()) found.set(stat.ino, cut);
  }
  return found;
}
