import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';
import { markTopDirectory } from '../host/top-directory.ts';
import { hexOf, isDigest } from './digest.ts';
import { createLayerFiles, type LayerFile, type LayerFiles } from './layer-files.ts';
import { createMountOptions } from './overlay-mount.ts';
import type { Snapshotter } from './snapshotter.ts';
import { contentSize, diffLayer, removeInBackground, syncToDisk } from './tar-diff.ts';
import type { ChainId } from './types.ts';

const keyGrammar = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}$/;

/**
 * Layers and snapshots by overlayfs under a data root, not traversable by others than root:
 * `layers/<chain hex>/{diff,layer.json}`, `snapshots/<key>/{upper,work,parent}`, `l/<short name>` (links to `diff`).
 */
export function createSnapshotter(options: { readonly dir: string }): Snapshotter {
  const { dir } = options;
  const startedMs = Date.now();
  makeDirectories(dir);
  const files = createLayerFiles(dir);
  const snapshotDir = (key: string) => {
    if (!keyGrammar.test(key)) throw new Error(`not a snapshot key: ${JSON.stringify(key)}`);
    return join(dir, 'snapshots', key);
  };
  const upperDir = (key: string) => join(snapshotDir(key), 'upper');
  const temporary = (prefix: string) => mkdtempSync(join(dir, 'tmp', prefix));
  const mountOptions = createMountOptions(dir);
  const parentOf = (key: string) => parentOfSnapshot(snapshotDir(key));
  const linksOf = (chainId: ChainId) => files.stack(chainId).map((layer) => layer.link);

  /** Out of sight at once, then removed at leisure. */
  const discard = async (path: string) => {
    const away = join(temporary('gone-'), 'tree');
    try {
      renameSync(path, away);
    } catch (error) {
      rmSync(dirname(away), { recursive: true });
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    await removeInBackground(dirname(away));
  };

  return {
    has: (chainId) => files.find(chainId) !== undefined,
    layer: (chainId) => files.find(chainId)?.record,
    keepBlob: (chainId, blob) => files.keepBlob(chainId, blob),
    layers: () => files.list(),
    upperDir,
    parentOf,
    lowerDirs: (chainId) => files.stack(chainId).map((layer) => layer.diff),
    prepare: async (key, parent) => {
      const target = snapshotDir(key);
      if (isPrepared(target, parent)) return;
      prepare(target, temporary('snapshot-'), parent && files.get(parent), parent);
    },
    mount: (key) => {
      const parent = parentOf(key);
      const own = `snapshots/${key}`;
      return mountOptions.writable(parent ? linksOf(parent) : [], `${own}/upper`, `${own}/work`);
    },
    view: (chainId) => {
      const stack = files.stack(chainId);
      const [only] = stack;
      if (only && stack.length === 1) return { type: 'bind', source: only.diff, options: ['bind', 'ro'] };
      return mountOptions.readOnly(linksOf(chainId));
    },
    commit: async (key, layer) => {
      if (!files.find(layer.chainId)) {
        const tarSizeBytes = layer.tarSizeBytes ?? (await diffLayer(upperDir(key))).tarSizeBytes;
        files.add(upperDir(key), temporary('layer-'), { ...layer, tarSizeBytes });
      }
      await discard(snapshotDir(key));
    },
    usage: (key) => contentSize(upperDir(key)),
    remove: (key) => discard(snapshotDir(key)),
    dropLayers: (chainIds) => dropLayers(files, chainIds, temporary('gone-')),
    active: () => readdirSync(join(dir, 'snapshots')),
    makeDurable: async (chain) => {
      const pending = chain.filter((chainId) => files.isVolatile(chainId));
      if (pending.length === 0) return;
      await syncToDisk(dir);
      for (const chainId of pending) files.markDurable(chainId);
      // Once more, for the marks: little is left to write by now.
      await syncToDisk(dir);
    },
    sweep: () => sweep(files, join(dir, 'tmp'), startedMs),
  };
}

/** By way of `away`, an empty directory beside them, which goes, too. */
async function dropLayers(files: LayerFiles, chainIds: readonly ChainId[], away: string): Promise<void> {
  for (const [index, chainId] of chainIds.entries()) files.forget(chainId, join(away, String(index)));
  await removeInBackground(away);
}

function makeDirectories(dir: string): void {
  for (const name of ['layers', 'snapshots', 'tmp', 'l', 'empty'])
    mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
  // Layers and snapshots begin there, under names of chance.
  markTopDirectory(join(dir, 'tmp'));
}

/** The link to the parent's layer is the whole record of a snapshot: it appears and vanishes with the directory. */
function parentOfSnapshot(snapshot: string): ChainId | undefined {
  try {
    const digest = `sha256:${basename(readlinkSync(join(snapshot, 'parent')))}`;
    return isDigest(digest) ? digest : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function prepare(target: string, fresh: string, below: LayerFile | undefined, parent: ChainId | undefined): void {
  try {
    const upper = join(fresh, 'upper');
    mkdirSync(upper, { mode: 0o755 });
    mkdirSync(join(fresh, 'work'), { mode: 0o700 });
    if (below && parent) {
      // The merged root takes its owner and mode from the upper directory.
      const { uid, gid, mode } = statSync(below.diff);
      chownSync(upper, uid, gid);
      chmodSync(upper, mode & 0o7777);
      symlinkSync(join('../../layers', hexOf(parent)), join(fresh, 'parent'));
    }
    renameSync(fresh, target);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
    isPrepared(target, parent);
  }
}

/** Throws STATE_CONFLICT where there is such a snapshot over another image. */
function isPrepared(target: string, parent: ChainId | undefined): boolean {
  if (!existsSync(target)) return false;
  if (parentOfSnapshot(target) === parent) return true;
  throw new IechorError('STATE_CONFLICT', `the snapshot ${basename(target)} exists over another image`);
}

/** Removes what was begun before this process: nobody is going to finish it. */
async function sweep(files: LayerFiles, directory: string, startedMs: number): Promise<void> {
  files.sweepLinks(startedMs);
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat && stat.ctimeMs < startedMs) await removeInBackground(path);
  }
}
