import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { getXattr, makeNode, setTimes, setXattr } from '../../../src/host/file-syscalls.ts';
import { chainIdOf } from '../../../src/image/digest.ts';
import { applyTar } from '../../../src/image/tar-apply.ts';
import { diffLayer, packLayer } from '../../../src/image/tar-diff.ts';
import type { ChainId } from '../../../src/image/types.ts';
import { createWorkbench, listing, streamOf, tarball, type TestEntry, type Workbench } from './support.ts';

const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: layers: needs root rights');
(isRoot ? describe : describe.skip)('layers', () => {
  let bench: Workbench;
  beforeAll(() => {
    bench = createWorkbench();
  });
  afterAll(() => bench.dispose());

  const fresh = (): string => mkdtempSync(join(bench.dir, 'tree-'));
  const layer = async (entries: readonly TestEntry[], parent?: ChainId): Promise<ChainId> =>
    (await bench.images.addLayer(streamOf(tarball(entries)), parent)).chainId;
  const seen = <T>(chainId: ChainId, body: (root: string) => T): T =>
    bench.mounted(bench.snapshotter.view(chainId), body);

  test('a tree comes back from its archive as it was: names, links, devices, owners, modes, attributes', async () => {
    const tree = fresh();
    const odd = Buffer.from([0x66, 0xff, 0x0a, 0xfe]);
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), odd]), 'bytes');
    mkdirSync(join(tree, 'd'.repeat(120), 'e'.repeat(120)), { recursive: true });
    writeFileSync(join(tree, 'd'.repeat(120), 'e'.repeat(120), 'ünïcode'), 'x'.repeat(3_000_000));
    writeFileSync(join(tree, 'suid'), '#!');
    execFileSync('chown', ['4000000000:77', join(tree, 'suid')]);
    chmodSync(join(tree, 'suid'), 0o6751);
    writeFileSync(join(tree, 'capable'), '');
    setXattr(Buffer.from(join(tree, 'capable')), 'security.capability', capability);
    linkSync(join(tree, 'capable'), join(tree, 'linked'));
    symlinkSync('/no/where', join(tree, 'link'));
    makeNode(Buffer.from(join(tree, 'fifo')), 0o10620);
    makeNode(Buffer.from(join(tree, 'null')), 0o20666, 1, 3);
    mkdirSync(join(tree, 'closed'), { mode: 0o1700 });
    setTimes(Buffer.from(join(tree, 'closed')), 1_234_567_890n * 1_000_000_000n);
    for (const name of ['suid', 'capable', 'link', 'fifo', 'null', 'd'.repeat(120)]) {
      setTimes(Buffer.from(join(tree, name)), -5_000_000_000n);
    }
    execFileSync('sh', ['-c', 'find "$1" -newermt 2001-01-01 -exec touch -h -d @1500000000 {} +', 'sh', tree]);

    const copy = fresh();
    const applied = await applyTar(packLayer(tree), { root: copy, lower: [] });
    expect(listing(copy)).toBe(listing(tree));
    expect(getXattr(Buffer.from(join(copy, 'linked')), 'security.capability')).toEqual(capability);
    expect((await diffLayer(tree)).diffId).toBe(applied.diffId);
    expect((await diffLayer(copy)).diffId).toBe(applied.diffId);
    const byTar = fresh();
    execFileSync('tar', ['-C', byTar, '-x', '--xattrs', '-p'], {
      input: await collect(packLayer(tree)),
      stdio: 'pipe',
    });
    expect(listing(byTar)).toBe(listing(tree));
  });

  test('a hard link entry gives the shared file its own owner, mode and time, and a file below as a copy', async () => {
    const entries: readonly TestEntry[] = [
      { name: 'file', mode: 0o755, xattrs: new Map([['security.capability', capability]]) },
      { name: 'same', type: 'link', linkName: 'file', mode: 0o711 },
      { name: 'other', mode: 0o600 },
      { name: 'owned', type: 'link', linkName: 'other', mode: 0o4711, uid: 7, gid: 8, mtimeNs: 5_000_000_000n },
      { name: 'symbolic', type: 'symlink', linkName: '/etc/passwd' },
      { name: 'twice', type: 'link', linkName: 'symbolic', mode: 0o777, uid: 7, gid: 8 },
    ];
    const look = (root: string, name: string) => {
      const { mode, uid, gid, mtimeMs } = lstatSync(join(root, name));
      return { mode: mode & 0o7777, uid, gid, mtimeMs };
    };
    const time = 1_600_000_000_000;
    const base = await layer(entries);
    seen(base, (root) => {
      expect(look(root, 'file')).toEqual({ mode: 0o711, uid: 0, gid: 0, mtimeMs: time });
      expect(getXattr(Buffer.from(join(root, 'file')), 'security.capability')).toEqual(capability);
      expect(look(root, 'other')).toEqual({ mode: 0o4711, uid: 7, gid: 8, mtimeMs: 5000 });
      expect(look(root, 'symbolic')).toMatchObject({ uid: 7, gid: 8 });
    });
    const top = await layer([{ name: 'above', type: 'link', linkName: 'other', mode: 0o640, uid: 9, gid: 9 }], base);
    seen(top, (root) => expect(look(root, 'above')).toEqual({ mode: 0o640, uid: 9, gid: 9, mtimeMs: time }));
    seen(base, (root) => expect(look(root, 'other')).toMatchObject({ mode: 0o4711, uid: 7 }));
  });

  test('times keep their nanoseconds', async () => {
    const root = fresh();
    const record = '30 mtime=1600000000.123456789\n';
    const pax = tarball([{ name: 'x', content: record }], false);
    pax[156] = 'x'.charCodeAt(0);
    resum(pax);
    await applyTar(streamOf(Buffer.concat([pax, tarball([{ name: 'f' }])])), { root });
    expect(statSync(join(root, 'f'), { bigint: true }).mtimeNs).toBe(1_600_000_000_123_456_789n);
  });

  test('a layer removes, hides and replaces what lies below', async () => {
    const base = await layer([
      { name: 'gone', content: '1' },
      { name: 'dir/', type: 'directory', mode: 0o711, uid: 5 },
      { name: 'dir/old', content: '1' },
      { name: 'opaque/old', content: '1' },
      { name: 'file-to-dir', content: '1' },
      { name: 'dir-to-link/x', content: '1' },
      { name: 'reborn/old', content: '1' },
      { name: 'shared', content: 'shared', mode: 0o4755, uid: 9 },
    ]);
    const top = await layer(
      [
        { name: '.wh.gone' },
        { name: '.wh.never-was' },
        { name: 'dir/new', content: '2' },
        { name: 'opaque/.wh..wh..opq' },
        { name: 'opaque/new', content: '2' },
        { name: 'file-to-dir/', type: 'directory' },
        { name: 'dir-to-link', type: 'symlink', linkName: 'dir' },
        { name: '.wh.reborn' },
        { name: 'reborn/new', content: '2' },
        { name: 'also-shared', type: 'link', linkName: 'shared', mode: 0o4755, uid: 9 },
        { name: '.wh..wh.plnk/1.2', content: 'aufs' },
      ],
      base,
    );
    seen(top, (root) => {
      expect(readdirSync(root).sort()).toEqual(
        ['also-shared', 'dir', 'dir-to-link', 'file-to-dir', 'opaque', 'reborn', 'shared'].sort(),
      );
      expect(readdirSync(join(root, 'dir')).sort()).toEqual(['new', 'old']);
      expect(lstatSync(join(root, 'dir'))).toMatchObject({ mode: 0o40711, uid: 5 });
      expect(readdirSync(join(root, 'opaque'))).toEqual(['new']);
      expect(readdirSync(join(root, 'reborn'))).toEqual(['new']);
      expect(readFileSync(join(root, 'also-shared'), 'utf8')).toBe('shared');
      expect(lstatSync(join(root, 'also-shared'))).toMatchObject({ mode: 0o104755, uid: 9 });
    });
  });

  test('what a container does to a snapshot comes back as a layer', async () => {
    const base = await layer([
      { name: 'a/one', content: '1' },
      { name: 'a/two', content: '2' },
      { name: 'b/three', content: '3' },
      { name: 'c/four', content: '4' },
    ]);
    await bench.snapshotter.prepare('work', base);
    const before = bench.mounted(bench.snapshotter.mount('work'), (root) => {
      rmSync(join(root, 'a/one'));
      writeFileSync(join(root, 'a/two'), 'changed');
      rmSync(join(root, 'b'), { recursive: true });
      mkdirSync(join(root, 'b'));
      writeFileSync(join(root, 'b/new'), '');
      chmodSync(join(root, 'c'), 0o700);
      renameSync(join(root, 'c/four'), join(root, 'c/five'));
      execFileSync('sh', ['-c', 'find "$1" -exec touch -h -d @1500000000 {} +', 'sh', root]);
      return listing(root);
    });
    const { diffId, sizeBytes, tarSizeBytes } = await diffLayer(bench.snapshotter.upperDir('work'));
    const archive = await collect(packLayer(bench.snapshotter.upperDir('work')));
    expect(archive.length).toBe(tarSizeBytes);
    const chainId = chainIdOf(base, diffId);
    await bench.snapshotter.commit('work', { chainId, diffId, parent: base, sizeBytes, tarSizeBytes });
    expect(bench.snapshotter.active()).toEqual([]);
    seen(chainId, (root) => expect(listing(root)).toBe(before));
    // The same changes applied from the archive are the same layer.
    await bench.snapshotter.dropLayers([chainId]);
    const again = await bench.images.addLayer(streamOf(archive), base);
    expect(again.chainId).toBe(chainId);
    seen(chainId, (root) => expect(listing(root)).toBe(before));
  });

  test('an image of 125 layers can be mounted, also under a long and awkward path', async () => {
    const long = createWorkbench(`iechor-${'long,name:'.repeat(8)}-`);
    try {
      let chainId: ChainId | undefined;
      for (let index = 0; index < 125; index++) {
        const key = `n${index}`;
        await long.snapshotter.prepare(key, chainId);
        writeFileSync(join(long.snapshotter.upperDir(key), `f${index}`), '');
        const diffId = `sha256:${index.toString(16).padStart(64, '0')}` as const;
        const next = chainIdOf(chainId, diffId);
        const parent = chainId === undefined ? {} : { parent: chainId };
        await long.snapshotter.commit(key, { chainId: next, diffId, sizeBytes: 0, tarSizeBytes: 0, ...parent });
        chainId = next;
      }
      await long.snapshotter.prepare('top', chainId);
      long.mounted(long.snapshotter.mount('top'), (root) => {
        writeFileSync(join(root, 'own'), '');
        expect(readdirSync(root)).toHaveLength(126);
      });
    } finally {
      long.dispose();
    }
  });

  test('a snapshot over nothing is an empty writable root, and a view is read-only', async () => {
    await bench.snapshotter.prepare('scratch');
    await bench.snapshotter.prepare('scratch');
    bench.mounted(bench.snapshotter.mount('scratch'), (root) => {
      expect(readdirSync(root)).toEqual([]);
      writeFileSync(join(root, 'x'), '');
      expect(statSync(root).mode & 0o777).toBe(0o755);
    });
    expect(existsSync(join(bench.snapshotter.upperDir('scratch'), 'x'))).toBe(true);
    await bench.snapshotter.remove('scratch');
    await bench.snapshotter.remove('scratch');
    const one = await layer([{ name: 'one' }]);
    seen(one, (root) => expect(() => writeFileSync(join(root, 'y'), '')).toThrow(/EROFS/));
    expect(statSync(join(bench.dir, 'layers')).mode & 0o777).toBe(0o700);
  });
});

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Computes the checksum of the first header anew. */
function resum(tar: Buffer): void {
  tar.fill(' ', 148, 156);
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
