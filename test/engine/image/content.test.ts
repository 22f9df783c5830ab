import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { walkMerged } from '../../../src/image/merged-tree.ts';
import { cyclonedxOf } from '../../../src/image/sbom/cyclonedx.ts';
import { packagesOf } from '../../../src/image/sbom/packages.ts';
import { spdxOf } from '../../../src/image/sbom/spdx.ts';
import type { ChainId } from '../../../src/image/types.ts';
import { createWorkbench, streamOf, type TestEntry, tarball, type Workbench } from './support.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: what is in an image: needs root rights');
(isRoot ? describe : describe.skip)('what is in an image', () => {
  let bench: Workbench;
  beforeAll(() => {
    bench = createWorkbench();
  });
  afterAll(() => bench.dispose());

  /** Directories of a stack of layers, the top first. */
  const stack = async (...layers: TestEntry[][]): Promise<{ dirs: readonly string[]; top: ChainId }> => {
    let top: ChainId | undefined;
    for (const entries of layers) top = (await bench.images.addLayer(streamOf(tarball(entries)), top)).chainId;
    if (top === undefined) throw new Error('no layers');
    return { dirs: bench.snapshotter.lowerDirs(top), top };
  };

  test('the files without a mount are those that a mount shows', async () => {
    const { dirs, top } = await stack(
      [
        { name: 'kept/a' },
        { name: 'kept/b' },
        { name: 'opaque/old' },
        { name: 'gone' },
        { name: 'was-dir/x' },
        { name: 'was-file' },
        { name: 'link', type: 'symlink', linkName: 'kept' },
      ],
      [
        { name: '.wh.gone' },
        { name: 'kept/.wh.b' },
        { name: 'opaque/', type: 'directory' },
        { name: 'opaque/.wh..wh..opq' },
        { name: 'opaque/new' },
        { name: 'was-dir', content: 'file' },
        { name: 'was-file/', type: 'directory' },
        { name: 'was-file/y' },
      ],
      [{ name: 'kept/c' }, { name: 'opaque/late' }, { name: 'gone', content: 'again' }],
    );
    const walked: string[] = [];
    for await (const { path } of walkMerged(dirs)) walked.push(path);
    const mounted = bench.mounted(bench.snapshotter.view(top), (root) =>
      execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P\\n'], { cwd: root, encoding: 'utf8' }),
    );
    expect(walked.toSorted()).toEqual(mounted.split('\n').filter(Boolean).sort());
  });

  test('packages are read from the databases of dpkg, apk, rpm, npm and pip', async () => {
    const work = join(bench.dir, 'rpm');
    mkdirSync(work);
    const db = new DatabaseSync(join(work, 'rpmdb.sqlite'));
    db.exec('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)');
    db.prepare('INSERT INTO Packages (blob) VALUES (?)').run(
      rpmHeader({ 1000: 'bash', 1001: '5.2', 1002: '1.fc40', 1022: 'x86_64' }),
    );
    db.prepare('INSERT INTO Packages (blob) VALUES (?)').run(Buffer.from('damaged'));
    db.close();
    const { dirs } = await stack(
      [
        { name: 'etc/os-release', content: 'ID=debian\nVERSION_ID="12"\n' },
        {
          name: 'var/lib/dpkg/status',
          content:
            'Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\nDescription: x\n more\n\n' +
            'Package: half\nStatus: deinstall ok config-files\nVersion: 1\n',
        },
        { name: 'lib/apk/db/installed', content: 'P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\n\n' },
        { name: 'usr/lib/sysimage/rpm/rpmdb.sqlite', content: readFileSync(join(work, 'rpmdb.sqlite')) },
        {
          name: 'app/node_modules/@org/lib/package.json',
          content: '{"name":"@org/lib","version":"1.0.0","license":"MIT"}',
        },
        { name: 'app/node_modules/broken/package.json', content: '{' },
        {
          name: 'app/node_modules/old/package.json',
          content: '{"name":"old","version":"0.1.0","licenses":[{"type":"MIT"},{"type":"ISC"}]}',
        },
        { name: 'usr/lib/python3/dist-packages/one-1.0.egg-info', content: 'Name: one\nVersion: 1.0\n' },
      ],
      [
        {
          name: 'usr/lib/python3/dist-packages/six-1.16.dist-info/METADATA',
          content: 'Metadata-Version: 2.1\nName: Six_More\nVersion: 1.16\n\nName: not this\n',
        },
        { name: 'var/lib/rpm/Packages', content: 'berkeley' },
        { name: 'var/lib/dpkg/status.d/base', type: 'symlink', linkName: '/etc/shadow' },
      ],
    );
    const inventory = await packagesOf(dirs);
    expect(inventory.packages.map(({ type, name, version }) => `${type} ${name} ${version}`)).toEqual([
      'apk musl 1.2.5-r0',
      'deb libc6 2.36-9',
      'npm @org/lib 1.0.0',
      'npm old 0.1.0',
      'pypi Six_More 1.16',
      'pypi one 1.0',
      'rpm bash 5.2-1.fc40',
    ]);
    expect(inventory.packages.find(({ name }) => name === 'old')?.license).toBe('MIT OR ISC');
    expect(inventory.warnings).toEqual([expect.stringMatching(/\/var\/lib\/rpm\/Packages cannot be read/)]);
    const subject = { name: 'web', id: `sha256:${'a'.repeat(64)}`, createdAt: '2026-01-01T00:00:00Z', version: '1' };
    const purls = JSON.stringify(cyclonedxOf(subject, inventory)).match(/pkg:[^"#]+/g);
    expect(new Set(purls)).toEqual(
      new Set([
        'pkg:apk/debian/musl@1.2.5-r0?arch=x86_64&distro=debian-12',
        'pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12',
        'pkg:npm/%40org/lib@1.0.0',
        'pkg:npm/old@0.1.0',
        'pkg:pypi/one@1.0',
        'pkg:pypi/six-more@1.16',
        'pkg:rpm/debian/bash@5.2-1.fc40?arch=x86_64&distro=debian-12',
      ]),
    );
    const spdx = spdxOf(subject, inventory) as { packages: { SPDXID: string }[]; relationships: unknown[] };
    expect(new Set(spdx.packages.map(({ SPDXID }) => SPDXID)).size).toBe(8);
    expect(spdx.relationships).toHaveLength(8);
  });
});

/** A header of rpm with string entries. */
function rpmHeader(fields: Readonly<Record<number, string>>): Buffer {
  const index: Buffer[] = [];
  let data = Buffer.alloc(0);
  for (const [tag, text] of Object.entries(fields)) {
    const entry = Buffer.alloc(16);
    for (const [at, value] of [Number(tag), 6, data.length, 1].entries()) entry.writeUInt32BE(value, at * 4);
    index.push(entry);
    data = Buffer.concat([data, Buffer.from(`${text}\0`)]);
  }
  const head = Buffer.alloc(8);
  head.writeUInt32BE(index.length, 0);
  head.writeUInt32BE(data.length, 4);
  return Buffer.concat([head, ...index, data]);
}
