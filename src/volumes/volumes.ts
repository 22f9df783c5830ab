import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { IechorError } from '../common/error.ts';
import { newId } from '../common/id.ts';
import { createKeyedMutex } from '../common/keyed-mutex.ts';
import type { Log } from '../common/log.ts';
import type { ObjectStore } from '../common/object-store.ts';
import { removeTree } from '../host/files.ts';
import { mountsBelow, unmount } from '../host/mount.ts';
import { copyTree } from './copy-tree.ts';
import { checkDevice, checkDriverOptions, mountDevice, sameOptions } from './driver-options.ts';
import { treeSizeBytes } from './tree-size.ts';
import type { VolumeRecord, Volumes } from './types.ts';

/** A record with the mark of a copy-up under way: found at a start, it means that the copy was cut off. */
interface StoredVolume extends VolumeRecord {
  readonly copying?: boolean;
}

interface Context {
  readonly store: ObjectStore;
  readonly dataRoot: string;
  readonly log: Log;
}

/** The volumes of a data root: `<data-root>/volumes/<name>/_data`, records in the store. */
export function createVolumes(context: Context): Volumes & {
  /** Unmounts the devices of all volumes, where `removeAll` says that nothing uses them. */
  close(options: { removeAll: boolean }): void;
} {
  const { store, dataRoot } = context;
  const mutex = createKeyedMutex();
  const find = (name: string) => store.get<StoredVolume>('volume', name);
  const get = (name: string): StoredVolume => {
    const found = find(name);
    if (found) return found;
    throw new IechorError('VOLUME_NOT_FOUND', `get ${name}: no such volume`, {
      hint: 'list the volumes with: iechor volume ls',
    });
  };
  const mountpoint = (name: string) =>
    mutex.run(name, async () => {
      const record = get(name);
      const data = dataDir(dataRoot, name);
      mkdirSync(data, { recursive: true, mode: 0o755 });
      await mountDevice(record.options, data);
      if (record.copying) discardCutCopy(context, record);
      return data;
    });
  return {
    list: () => store.list<VolumeRecord>('volume'),
    find,
    get,
    create: async (request) => createVolume(context, request),
    check({ name = '', driver, options = {} }) {
      checkName(name);
      checkDriver(driver);
      checkDriverOptions(options);
      checkDevice(options);
    },
    remove: (name, options) => mutex.run(name, async () => removeVolume(context, name, options)),
    mountpoint,
    copyUp: async (name, source) => {
      const data = await mountpoint(name);
      await mutex.run(name, () => copyUp(context, get(name), { source, data }));
    },
    replace: (name, fill) => mutex.run(name, () => replaceContent(context, get(name), fill)),
    async sizeBytes(name) {
      get(name);
      return treeSizeBytes(dataDir(dataRoot, name));
    },
    close({ removeAll }) {
      if (removeAll) for (const point of mountsBelow(join(dataRoot, 'volumes'))) unmount(point);
    },
  };
}

const volumeDir = (dataRoot: string, name: string) => join(dataRoot, 'volumes', name);
const dataDir = (dataRoot: string, name: string) => join(volumeDir(dataRoot, name), '_data');

function createVolume(context: Context, request: Parameters<Volumes['create']>[0]): VolumeRecord {
  const name = request.name || newId();
  const anonymous = request.anonymous ?? !request.name;
  const options = request.options ?? {};
  checkName(name);
  checkDriver(request.driver);
  checkDriverOptions(options);
  const existing = context.store.get<StoredVolume>('volume', name);
  if (existing) {
    // Asked for without options, an existing volume is taken as it is, as Docker does.
    if (Object.keys(options).length === 0 || sameOptions(existing.options, options)) return existing;
    throw new IechorError('NAME_IN_USE', `volume "${name}" exists already with other driver options`, {
      hint: `remove it first (iechor volume rm ${name}), or choose another name`,
    });
  }
  const record: VolumeRecord = {
    name,
    driver: 'local',
    options,
    labels: { ...(anonymous && { 'com.docker.volume.anonymous': '' }), ...request.labels },
    createdAt: new Date().toISOString(),
    anonymous,
  };
  context.store.put<StoredVolume>('volume', name, record);
  mkdirSync(join(context.dataRoot, 'volumes'), { recursive: true, mode: 0o711 });
  mkdirSync(dataDir(context.dataRoot, name), { recursive: true, mode: 0o755 });
  return record;
}

function checkName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/.test(name)) return;
  throw new IechorError('BAD_REQUEST', `"${name}" is not a volume name`, {
    hint: 'names have 2 to 255 letters, digits, "_", "." and "-", beginning with a letter or digit; a host path begins with "/"',
  });
}

/** The only driver of volumes is `local`. Throws NOT_FOUND, as for a plugin that is not there. */
export function checkDriver(driver: string | undefined): void {
  if (!driver || driver === 'local') return;
  throw new IechorError('NOT_FOUND', `error looking up volume plugin ${driver}: plugin "${driver}" not found`, {
    hint: 'use the driver "local" (with driver_opts type, device and o it mounts NFS, tmpfs and others)',
  });
}

function removeVolume(context: Context, name: string, options: Parameters<Volumes['remove']>[1]): void {
  const record = context.store.get<StoredVolume>('volume', name);
  if (!record && options.force) return;
  if (!record) throw new IechorError('VOLUME_NOT_FOUND', `get ${name}: no such volume`);
  if (options.usedBy.length > 0) {
    throw new IechorError('IN_USE', `remove ${name}: volume is in use - [${options.usedBy.join(', ')}]`, {
      hint: 'remove the containers that use it first',
    });
  }
  const directory = volumeDir(context.dataRoot, name);
  for (const point of mountsBelow(directory)) unmount(point);
  removeTree(directory);
  context.store.delete('volume', name);
}

async function replaceContent(
  context: Context,
  record: StoredVolume,
  fill: (directory: string) => Promise<void>,
): Promise<void> {
  if (record.options.device !== undefined) {
    throw new IechorError('NOT_SUPPORTED', `the content of volume "${record.name}" is mounted from elsewhere`, {
      hint: 'only volumes without driver options can be given other content',
    });
  }
  const data = dataDir(context.dataRoot, record.name);
  const [next, former] = [`${data}.new`, `${data}.old`];
  for (const left of [next, former]) removeTree(left);
  mkdirSync(next, { mode: 0o755 });
  try {
    await fill(next);
  } catch (error) {
    removeTree(next);
    throw error;
  }
  renameSync(data, former);
  renameSync(next, data);
  removeTree(former);
}

async function copyUp(
  context: Context,
  record: StoredVolume,
  { source, data }: { source: string; data: string },
): Promise<void> {
  if (readdirSync(data).length > 0) return;
  context.store.put<StoredVolume>('volume', record.name, { ...record, copying: true });
  try {
    await copyTree(source, data);
  } catch (error) {
    discardCutCopy(context, record);
    throw error;
  }
  context.store.put<StoredVolume>('volume', record.name, record);
}

/** Half an image's content must not pass for the volume's own: it is taken away, so that the next start copies anew. */
function discardCutCopy(context: Context, { copying: _, ...record }: StoredVolume): void {
  const data = dataDir(context.dataRoot, record.name);
  context.log.warn('a copy into a volume was cut off: it is begun again', { volume: record.name });
  for (const entry of readdirSync(data)) removeTree(join(data, entry));
  context.store.put<StoredVolume>('volume', record.name, record);
}
