import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLog } from '../../../src/common/log.ts';
import type { ObjectStore } from '../../../src/common/object-store.ts';
import { getXattr, makeNode, setXattr } from '../../../src/host/file-syscalls.ts';
import { mountsBelow, unmount } from '../../../src/host/mount.ts';
import { openStateDb } from '../../../src/host/state-db.ts';
import { createVolumes } from '../../../src/volumes/volumes.ts';

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;
if (process.getuid?.() !== 0) console.warn('skipped: volumes need root');

let dir: string;
let store: ObjectStore;
let volumes: ReturnType<typeof createVolumes>;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-volumes-'));
  store = openStateDb(join(dir, 'state.db'));
  volumes = createVolumes({ store, dataRoot: dir, log: silentLog });
});
afterEach(() => {
  for (const point of mountsBelow(dir)) unmount(point);
  store.close();
  rmSync(dir, { recursive: true, force: true });
});

asRoot('volumes', () => {
  test('creating is idempotent for the same options and a conflict for others', async () => {
    const first = await volumes.create({ name: 'data', labels: { a: 'b' } });
    expect(await volumes.create({ name: 'data' })).toEqual(first);
    await expect(volumes.create({ name: 'data', options: { type: 'tmpfs', device: 'tmpfs' } })).rejects.toMatchObject({
      code: 'NAME_IN_USE',
    });
    expect((await volumes.create({})).name).toMatch(/^[0-9a-f]{64}$/);
    expect(volumes.list()).toHaveLength(2);
  });

  test('names that lead elsewhere, foreign drivers and unknown options are refused', async () => {
    for (const name of ['../x', 'a/b', '.hidden', 'x', 'a b', `a${'b'.repeat(255)}`]) {
      await expect(volumes.create({ name })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    }
    await expect(volumes.create({ name: 'data', driver: 'nfs' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const options of [{ size: '1g' }, { type: 'tmpfs' }, { type: 'none', o: 'bind', device: 'relative' }]) {
      await expect(volumes.create({ name: 'data', options: options as never })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      });
    }
    expect(volumes.list()).toEqual([]);
  });

  test('copy-up keeps owners, modes, links, devices, times and attributes, and happens once', async () => {
    const image = join(dir, 'image');
    mkdirSync(join(image, 'sub'), { recursive: true });
    writeFileSync(join(image, 'file'), 'content');
    chownSync(join(image, 'file'), 70, 71);
    chmodSync(join(image, 'file'), 0o4750);
    setXattr(Buffer.from(join(image, 'file')), 'user.note', Buffer.from('kept'));
    linkSync(join(image, 'file'), join(image, 'sub', 'hard'));
    symlinkSync('../file', join(image, 'sub', 'soft'));
    makeNode(Buffer.from(join(image, 'null')), 0o020644, 1, 3);
    writeFileSync(join(image, 'large'), Buffer.alloc(1024 * 1024, 7));
    utimesSync(join(image, 'file'), 1000, 1000);
    chmodSync(image, 0o700);
    chownSync(image, 70, 71);

    await volumes.create({ name: 'data' });
    await volumes.copyUp('data', image);
    const data = await volumes.mountpoint('data');
    expect(data).toBe(join(dir, 'volumes/data/_data'));
    expect(lstatSync(data)).toMatchObject({ uid: 70, gid: 71, mode: 0o040700 });
    const file = lstatSync(join(data, 'file'));
    expect(file).toMatchObject({ uid: 70, gid: 71, mode: 0o104750, nlink: 2, mtimeMs: 1_000_000 });
    expect(lstatSync(join(data, 'sub/hard')).ino).toBe(file.ino);
    expect(readlinkSync(join(data, 'sub/soft'))).toBe('../file');
    expect(lstatSync(join(data, 'null'))).toMatchObject({ mode: 0o020644, rdev: 0x103 });
    expect(getXattr(Buffer.from(join(data, 'file')), 'user.note')?.toString()).toBe('kept');
    expect(readFileSync(join(data, 'large'))).toHaveLength(1024 * 1024);
    expect(await volumes.sizeBytes('data')).toBeGreaterThan(1024 * 1024);

    writeFileSync(join(image, 'later'), '');
    rmSync(join(data, 'large'));
    await volumes.copyUp('data', image);
    expect(readdirSync(data).sort()).toEqual(['file', 'null', 'sub']);
  });

  test('a copy that was cut off is begun again', async () => {
    const image = join(dir, 'image');
    mkdirSync(image);
    writeFileSync(join(image, 'a'), 'a');
    const record = await volumes.create({ name: 'data' });
    writeFileSync(join(dir, 'volumes/data/_data/half'), '');
    store.put('volume', 'data', { ...record, copying: true });
    await volumes.mountpoint('data');
    await volumes.copyUp('data', image);
    expect(readdirSync(join(dir, 'volumes/data/_data'))).toEqual(['a']);
  });

  test('a device is mounted at first use and unmounted with the volume', async () => {
    const host = join(dir, 'host');
    mkdirSync(host);
    writeFileSync(join(host, 'mine'), '');
    await volumes.create({ name: 'bound', options: { type: 'none', o: 'bind', device: host } });
    await volumes.create({ name: 'memory', options: { type: 'tmpfs', o: 'size=1m,uid=70', device: 'tmpfs' } });
    await volumes.create({ name: 'missing', options: { type: 'none', o: 'bind', device: join(dir, 'nowhere') } });
    expect(mountsBelow(join(dir, 'volumes'))).toEqual([]);
    expect(readdirSync(await volumes.mountpoint('bound'))).toEqual(['mine']);
    await volumes.mountpoint('bound');
    expect(lstatSync(await volumes.mountpoint('memory')).uid).toBe(70);
    await expect(volumes.mountpoint('missing')).rejects.toMatchObject({ code: 'MOUNT_INVALID' });
    expect(mountsBelow(join(dir, 'volumes'))).toHaveLength(2);
    await volumes.remove('bound', { force: false, usedBy: [] });
    expect(readdirSync(host)).toEqual(['mine']);
    volumes.close({ removeAll: true });
    expect(mountsBelow(join(dir, 'volumes'))).toEqual([]);
  });

  test('what is in use is not removed, and removing twice is an error only without force', async () => {
    await volumes.create({ name: 'data' });
    await expect(volumes.remove('data', { force: true, usedBy: ['web'] })).rejects.toMatchObject({ code: 'IN_USE' });
    await volumes.remove('data', { force: false, usedBy: [] });
    expect(readdirSync(join(dir, 'volumes'))).toEqual([]);
    await volumes.remove('data', { force: true, usedBy: [] });
    await expect(volumes.remove('data', { force: false, usedBy: [] })).rejects.toMatchObject({
      code: 'VOLUME_NOT_FOUND',
    });
  });
});
