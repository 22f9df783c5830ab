import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rootfsDir } from '../../../src/engine/paths.ts';
import { listing, streamOf, type TestEntry, tarball } from '../image/support.ts';
import { createTestRoot, isRoot, start, type TestEngine, type TestRoot } from '../lifecycle/support.ts';

const suite = isRoot ? describe : describe.skip;
if (!isRoot) console.warn('SKIPPED: hostile archives for containers: needs root');

suite('copies to and from a hostile container (need root)', () => {
  let root: TestRoot;
  let t: TestEngine;
  /** What must not change: a directory of the host that archives and containers try to reach. */
  let canary: string;
  let before: string;
  let id: string;
  beforeAll(async () => {
    root = createTestRoot();
    t = await root.open();
    canary = join(root.dir, 'canary');
    mkdirSync(canary);
    writeFileSync(join(canary, 'secret'), 'untouched', { mode: 0o600 });
    before = listing(canary);
    id = await start(t.engine, { Cmd: ['sleep', '300'] });
  });
  afterAll(() => root.destroy());

  const put = (entries: readonly TestEntry[], path = '/tmp') =>
    t.engine.containerArchivePut({ id, path, body: streamOf(tarball(entries)) }).then(
      () => 'taken',
      () => 'refused',
    );
  const inside = (path: string) => join(rootfsDir(t.context.roots, id), path);
  const up = '../'.repeat(12);
  const link = (name: string, linkName: string): TestEntry => ({ name, type: 'symlink', linkName });
  const hard = (name: string, linkName: string): TestEntry => ({ name, type: 'link', linkName });

  test('names, links and hard links of an archive lead nowhere but inside', async () => {
    await put([{ name: `${up}${canary}/secret`, content: 'x' }]);
    await put([{ name: `${canary}/secret`, content: 'x' }]);
    await put([link('way', canary), { name: 'way/secret', content: 'x' }]);
    await put([link('far', `${up}${canary}`), { name: 'far/planted', content: 'x' }]);
    await put([link('a', 'b'), link('b', canary), { name: 'a/planted', content: 'x' }]);
    await put([hard('stolen', `${canary}/secret`), { name: 'stolen', content: 'x' }]);
    await put([hard('stolen2', `${up}${canary}/secret`)]);
    await put([link('ways', canary), hard('stolen3', 'ways/secret')]);
    await put([{ name: '..', type: 'directory', mode: 0o777 }]);
    await put([link('.', canary), { name: 'planted', content: 'x' }]);
    await put([{ name: 'secret', content: 'x' }], `/tmp/${up}${canary}`);
    await put([{ name: 'secret', content: 'x' }], '/tmp/way');
    await put([{ name: 'secret', content: 'x' }], '/proc/1/root/../../..');
    expect(listing(canary)).toBe(before);
    for (const path of ['/tmp/stolen', '/tmp/stolen2', '/tmp/stolen3']) {
      const text = await t.engine.containerArchiveGet({ id, path }).then(buffer, () => Buffer.alloc(0));
      expect(text.includes('untouched')).toBe(false);
    }
    expect(statSync(inside('/')).mode & 0o777).toBe(0o755);
  });

  test('an archive that is torn, or whose lengths lie, is refused, and the container goes on', async () => {
    const whole = tarball([{ name: 'file', content: 'x'.repeat(2000) }], false);
    const torn = t.engine.containerArchivePut({ id, path: '/tmp', body: streamOf(whole.subarray(0, 1500)) });
    await expect(torn).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    const noise = t.engine.containerArchivePut({ id, path: '/tmp', body: streamOf(Buffer.alloc(4096, 'x')) });
    await expect(noise).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(await put([{ name: 'fine', content: 'x' }])).toBe('taken');
    expect((await t.engine.containerInspect({ id })).State.Running).toBe(true);
  });

  test('no library and no configuration of the container is read by the engine (CVE-2019-14271)', async () => {
    const baits = ['/etc/nsswitch.conf', '/lib/x86_64-linux-gnu/libnss_files.so.2', '/usr/lib/libnss_files.so.2'];
    for (const path of [...baits, '/etc/ld.so.preload', '/etc/ld.so.cache', '/etc/localtime']) {
      expect(await put([{ name: path.slice(1), content: 'no library' }], '/')).toBe('taken');
      // An access would show: the time of the last one lies before that of the last change.
      utimesSync(inside(path), new Date(1e12), new Date());
    }
    await put([{ name: 'named', content: 'x', uid: 1000, gid: 44 }]);
    await buffer(await t.engine.containerArchiveGet({ id, path: '/tmp' }));
    await t.engine.containerArchiveStat({ id, path: '/etc' });
    await t.engine.containerChanges({ id });
    for (const path of baits) expect([path, statSync(inside(path)).atime.getTime()]).toEqual([path, 1e12]);
    expect(readFileSync('/proc/self/maps', 'utf8')).not.toContain(root.dir);
  });

  test('the engine is out of a container’s reach: its files, its sockets, and a port of the host’s loopback', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nreached'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = (server.address() as { port: number }).port;
    const abstract = createServer().listen('\0iechor-test-reach');
    await once(abstract, 'listening');
    const script = `ls -a ${root.dir} /run/iechor /var/run/docker.sock 2>/dev/null | grep . && echo FILES
      find / -xdev -name '*.sock' -type s | grep . && echo SOCKETS
      cat /proc/net/unix | grep -e iechor && echo ABSTRACT
      gateway=$(ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'); echo "gateway=$gateway"
      for host in $gateway 127.0.0.1 host.docker.internal; do
        wget -q -T 2 -O - http://$host:${port}/ 2>/dev/null && echo "PORT $host"; done; echo looked`;
    const fresh = await start(t.engine, { Cmd: ['sleep', '300'] });
    const { Id } = await t.engine.execCreate({
      id: fresh,
      body: { AttachStdout: true, AttachStderr: true, Cmd: ['busybox', 'sh', '-c', script] },
    });
    const session = await t.engine.execStart({ id: Id, body: {} });
    let text = '';
    for await (const { data } of session.output) text += Buffer.from(data);
    server.close();
    abstract.close();
    expect(text).toMatch(/gateway=\d+\.\d+\.\d+\.\d+\n/);
    expect(
      text
        .trim()
        .split('\n')
        .filter((line) => /FILES|SOCKETS|ABSTRACT|PORT/.test(line)),
    ).toEqual([]);
    expect(text).toContain('looked');
  });
});
