import { randomInt } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';
import { readIfThere, writeAtomic, writeWhole } from '../host/files.ts';
import { bootId } from '../host/proc.ts';
import { hexOf, isDigest } from './digest.ts';
import { recipeBeside } from './layer-tar.ts';
import type { ChainId, Descriptor, LayerRecord } from './types.ts';

/** A committed layer on disk. */
export interface LayerFile {
  readonly record: LayerRecord;
  /** Absolute path of its files. */
  readonly diff: string;
  /** Short name below `l/`, so that many fit into one mount call. */
  readonly link: string;
}

/** `layer.json`. */
interface Document {
  readonly record: LayerRecord;
  readonly link: string;
  /** Boot in which it was written, until it has been synced to disk. */
  readonly boot?: string;
}

export interface LayerFiles {
  find(chainId: ChainId): LayerFile | undefined;
  /** Throws STATE_DAMAGED where the layer is missing. */
  get(chainId: ChainId): LayerFile;
  /** The layer and all below it, the top first. */
  stack(chainId: ChainId): readonly LayerFile[];
  list(): { chainId: ChainId; ageMs: number }[];
  /** Makes a directory a layer, by way of `fresh`, an empty directory beside it. */
  add(directory: string, fresh: string, record: LayerRecord): void;
  /**
   * Forgets a layer; what was in its directory lies at `away`, for the caller to remove. The directory goes before the short
   * name: whatever layer is there has its name.
   */
  forget(chainId: ChainId, away: string): void;
  /** Removes short names that belong to no layer and were made before a time. */
  sweepLinks(beforeMs: number): void;
  isVolatile(chainId: ChainId): boolean;
  /** Written without waiting for the disk. */
  markDurable(chainId: ChainId): void;
  /** Adds the archive a layer was packed into to its record. */
  keepBlob(chainId: ChainId, blob: Descriptor): void;
}

const linkAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Reads and writes `layers/` and `l/` of a data root. Layers do not change, so they are read once. */
export function createLayerFiles(dir: string): LayerFiles {
  const known = new Map<ChainId, Document>();
  const boot = bootId();
  const path = (chainId: ChainId) => join(dir, 'layers', hexOf(chainId));
  const read = (chainId: ChainId): Document | undefined => {
    const cached = known.get(chainId);
    if (cached) return cached;
    const text = readIfThere(join(path(chainId), 'layer.json'));
    const document = text === undefined ? undefined : parse(text);
    if (document) known.set(chainId, document);
    return document;
  };
  const find = (chainId: ChainId): LayerFile | undefined => {
    const document = read(chainId);
    if (!document || (document.boot !== undefined && document.boot !== boot)) return undefined;
    return { record: document.record, link: document.link, diff: join(path(chainId), 'diff') };
  };
  const get = (chainId: ChainId): LayerFile => {
    const found = find(chainId);
    if (found) return found;
    throw new IechorError('STATE_DAMAGED', `the layer ${chainId} is missing or incomplete`, {
      hint: 'remove the images and containers made of it, then pull or build them again',
    });
  };
  const stack = (chainId: ChainId): readonly LayerFile[] => {
    const layers: LayerFile[] = [];
    for (let next: ChainId | undefined = chainId; next; next = layers.at(-1)?.record.parent) layers.push(get(next));
    return layers;
  };
  const forget = (chainId: ChainId, away: string): void => {
    const document = read(chainId);
    known.delete(chainId);
    if (existsSync(path(chainId))) renameSync(path(chainId), away);
    if (document) rmSync(join(dir, 'l', document.link), { force: true });
  };
  const write = (chainId: ChainId, document: Document, put = writeAtomic): void => {
    put(join(path(chainId), 'layer.json'), JSON.stringify(document));
    known.set(chainId, document);
  };
  const add = (directory: string, fresh: string, record: LayerRecord): void => {
    // A layer that did not survive a power loss gives way.
    forget(record.chainId, join(fresh, 'stale'));
    const link = makeLink(join(dir, 'l'), join('../layers', hexOf(record.chainId), 'diff'));
    const complete = join(fresh, 'layer');
    mkdirSync(complete, { mode: 0o700 });
    const recipe = recipeBeside(directory);
    if (existsSync(recipe)) renameSync(recipe, recipeBeside(join(complete, 'diff')));
    renameSync(directory, join(complete, 'diff'));
    writeFileSync(join(complete, 'layer.json'), JSON.stringify({ record, link, boot } satisfies Document), {
      mode: 0o600,
    });
    renameSync(complete, path(record.chainId));
    rmSync(fresh, { recursive: true });
  };
  return {
    find,
    get,
    stack,
    forget,
    add,
    list: () => listLayers(join(dir, 'layers')),
    sweepLinks: (beforeMs) => sweepLinks(dir, (chainId) => read(chainId)?.link, beforeMs),
    isVolatile: (chainId) => read(chainId)?.boot !== undefined,
    markDurable: (chainId) => {
      const document = read(chainId);
      if (document) write(chainId, { record: document.record, link: document.link }, writeWhole);
    },
    keepBlob: (chainId, blob) => {
      const document = read(chainId);
      if (document) write(chainId, { ...document, record: { ...document.record, blob } });
    },
  };
}

function sweepLinks(dir: string, linkOf: (chainId: ChainId) => string | undefined, beforeMs: number): void {
  const used = new Set(listLayers(join(dir, 'layers')).map(({ chainId }) => linkOf(chainId)));
  for (const name of readdirSync(join(dir, 'l'))) {
    const link = join(dir, 'l', name);
    const stat = lstatSync(link, { throwIfNoEntry: false });
    if (stat && stat.ctimeMs < beforeMs && !used.has(name)) rmSync(link, { force: true });
  }
}

/** Undefined for what a power loss left of a file. */
function parse(text: string): Document | undefined {
  try {
    return JSON.parse(text) as Document;
  } catch {
    return undefined;
  }
}

function listLayers(directory: string): { chainId: ChainId; ageMs: number }[] {
  return readdirSync(directory).flatMap((name) => {
    const chainId = `sha256:${name}`;
    const stat = statSync(join(directory, name), { throwIfNoEntry: false });
    return isDigest(chainId) && stat ? [{ chainId, ageMs: Date.now() - stat.ctimeMs }] : [];
  });
}

function makeLink(directory: string, target: string): string {
  for (let attempt = 0; ; attempt++) {
    const length = attempt < 20 ? 2 : 4;
    const name = Array.from({ length }, () => linkAlphabet[randomInt(linkAlphabet.length)]).join('');
    try {
      symlinkSync(target, join(directory, name));
      return name;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}
