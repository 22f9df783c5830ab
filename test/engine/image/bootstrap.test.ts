import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bootstrap } from '../../../src/image/bootstrap.ts';
import { programPath } from '../../support/machine.ts';
import { createWorkbench, type Workbench } from './support.ts';

const missing = [
  ...(process.getuid?.() === 0 ? [] : ['root rights']),
  ...(programPath('mmdebstrap') ? [] : ['mmdebstrap']),
];
if (missing.length > 0) console.warn(`SKIPPED: bootstrap: this machine lacks ${missing.join(', ')}`);
(missing.length > 0 ? describe.skip : describe)('bootstrap', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = createWorkbench();
  });
  afterEach(() => bench.dispose());
  const make = (reference: string, options: { mirror?: string; signal?: AbortSignal; keyring?: Buffer } = {}) =>
    bootstrap({
      reference,
      images: bench.images,
      roots: { dataRoot: bench.dir, execRoot: bench.dir, scope: 'ffffffff' },
      onProgress: () => {},
      ...options,
    });
  const leftovers = () => [...readdirSync(join(bench.dir, 'tmp')), ...readdirSync(join(bench.dir, 'snapshots'))];

  test('a mirror that does not answer is named, with the way round it, and nothing stays', async () => {
    await expect(make('debian:bookworm-slim', { mirror: 'http://127.0.0.1:1/debian' })).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      hint: expect.stringContaining('--mirror'),
    });
    expect(leftovers()).toEqual([]);
  });

  test('keys that are not on the machine can be given', async () => {
    const mirror = 'http://127.0.0.1:1/ubuntu';
    const without = make('ubuntu:24.04', { mirror });
    const present = existsSync('/usr/share/keyrings/ubuntu-archive-keyring.gpg');
    await expect(without).rejects.toMatchObject(
      present
        ? { code: 'REGISTRY_UNREACHABLE' }
        : { code: 'HOST_UNSUPPORTED', hint: expect.stringMatching(/ubuntu-keyring.*--keyring/) },
    );
    const keyring = readFileSync('/usr/share/keyrings/debian-archive-keyring.gpg');
    await expect(make('ubuntu:24.04', { mirror, keyring })).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    expect(leftovers()).toEqual([]);
  });

  test('an interrupted bootstrap leaves nothing', async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 300);
    await expect(
      make('debian:bookworm-slim', { mirror: 'http://127.0.0.1:1/debian', signal: abort.signal }),
    ).rejects.toBeDefined();
    expect(leftovers()).toEqual([]);
  });

  const online = process.env.IECHOR_TEST_MIRROR !== undefined;
  if (!online) console.warn('SKIPPED: a real bootstrap: set IECHOR_TEST_MIRROR to a Debian mirror');
  (online ? test : test.skip)(
    'the same packages give the same image, configured for containers',
    async () => {
      const mirror = process.env.IECHOR_TEST_MIRROR ?? '';
      const first = await make('debian:bookworm-slim', { mirror });
      const root = bench.snapshotter.lowerDirs(first.chain[0] ?? first.id)[0] ?? '';
      expect(readFileSync(join(root, 'etc/os-release'), 'utf8')).toMatch(/bookworm/);
      expect(readFileSync(join(root, 'etc/apt/sources.list.d/debian.sources'), 'utf8')).toContain(`URIs: ${mirror}`);
      expect(statSync(join(root, 'usr/sbin/policy-rc.d')).mode & 0o777).toBe(0o755);
      expect(existsSync(join(root, 'etc/machine-id'))).toBe(false);
      expect(readdirSync(join(root, 'usr/share/man'))).toEqual([]);
      expect(readdirSync(join(root, 'var/lib/apt/lists')).sort()).toEqual(['lock', 'partial']);
      expect(bench.images.get('debian:bookworm-slim').config.config?.Cmd).toEqual(['bash']);
      await bench.images.remove(first.id, { force: true, prune: true, usersOf: () => ({}), keep: new Set() });
      expect((await make('debian:bookworm-slim', { mirror })).id).toBe(first.id);
    },
    300_000,
  );
});
