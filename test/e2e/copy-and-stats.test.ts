import { mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, eventually, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

describeWithContainers('looking at and into a container', () => {
  let engine: PrivateEngine;
  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
    expect(engine.iechor(['run', '-d', '--name', 'box', '-m', '64m', 'busybox', 'sleep', '600']).exit).toBe(0);
    mkdirSync(join(engine.dir, 'src/sub'), { recursive: true });
    writeFileSync(join(engine.dir, 'src/one'), 'one\n', { mode: 0o640 });
    writeFileSync(join(engine.dir, 'src/sub/two'), 'two\n');
    symlinkSync('one', join(engine.dir, 'src/link'));
    writeFileSync(join(engine.dir, 'file'), 'old\n');
  });
  afterAll(() => engine.dispose());

  const cp = (...args: string[]) => engine.iechor(['cp', ...args]).exit;
  const inside = (script: string) => engine.iechor(['exec', 'box', 'sh', '-c', script]).stdout;
  const outside = (path: string) => readFileSync(join(engine.dir, path), 'utf8');

  test('diff shows what the container wrote, and nothing of what was made for it', () => {
    engine.iechor(['run', '--name', 'untouched', 'busybox', 'true']);
    expect(engine.iechor(['diff', 'untouched']).stdout).toBe('');
    engine.iechor(['run', '--name', 'wrote', 'busybox', 'sh', '-c', 'echo x > /etc/new; rm /etc/group']);
    expect(engine.iechor(['diff', 'wrote']).stdout).toBe('C /etc\nD /etc/group\nA /etc/new\n');
    engine.iechor(['rm', 'untouched', 'wrote']);
  });

  test('cp to a container puts things where docker cp puts them', () => {
    expect(cp('src', 'box:/tmp/new')).toBe(0); // not there: the directory gets the new name
    expect(cp('src', 'box:/tmp')).toBe(0); // there: it goes into it
    expect(cp('src/.', 'box:/root')).toBe(0); // what is in it
    expect(cp('src/one', 'box:/tmp/file')).toBe(0);
    expect(inside('cat /tmp/new/one /tmp/src/sub/two /root/one /tmp/file; readlink /root/link')).toBe(
      'one\ntwo\none\none\none\n',
    );
    expect(inside('stat -c "%a %u:%g" /tmp/file')).toBe('640 0:0\n');
    expect(cp('-L', 'src/link', 'box:/tmp/followed')).toBe(0);
    expect(inside('test -L /tmp/followed || cat /tmp/followed')).toBe('one\n');
    for (const [from, to] of [
      ['src', 'box:/tmp/file'],
      ['src/one', 'box:/tmp/none/'],
      ['src/one', 'box:/tmp/none/file'],
      ['no-such-file', 'box:/tmp'],
      ['src', 'nobody:/tmp'],
      ['src', 'elsewhere'],
    ] as const)
      expect([from, to, cp(from, to)]).toEqual([from, to, 1]);
  });

  test('nothing takes the place of a file that is mounted', () => {
    writeFileSync(join(engine.dir, 'hosts'), 'other\n');
    expect(engine.iechor(['cp', 'hosts', 'box:/etc/'])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('RemoveAll hosts: device or resource busy'),
    });
    expect(inside('cat /etc/hosts')).toContain('localhost');
  });

  test('what is mounted into a container that has ended is copied under the names it has there', () => {
    const mounts = [
      '-v',
      '/volume',
      '-v',
      `${join(engine.dir, 'src')}:/bound`,
      '-v',
      `${join(engine.dir, 'file')}:/a-file`,
    ];
    const script = 'mkdir /volume/sub; echo v > /volume/sub/v; ln -s sub/v /volume/link';
    engine.iechor(['run', '--name', 'ended', ...mounts, 'busybox', 'sh', '-c', script]);
    mkdirSync(join(engine.dir, 'taken'));
    for (const path of ['/volume', '/volume/sub', '/a-file', '/bound']) expect(cp(`ended:${path}`, 'taken')).toBe(0);
    expect(['volume/sub/v', 'sub/v', 'a-file', 'bound/one'].map((path) => outside(`taken/${path}`)).join('')).toBe(
      'v\nv\nold\none\n',
    );
    expect(cp('file', 'ended:/a-file')).toBe(1);
    expect(cp('file', 'ended:/volume/link')).toBe(0);
    expect(cp('ended:/volume/sub/v', 'through-the-link')).toBe(0);
    expect(outside('through-the-link')).toBe('old\n');
    engine.iechor(['rm', '-v', 'ended']);
  });

  test('links in a mount lead where the container has them, also to a root that is read-only', () => {
    mkdirSync(join(engine.dir, 'links/inner'), { recursive: true });
    symlinkSync('/tmp', join(engine.dir, 'links/out'));
    symlinkSync('/links/inner', join(engine.dir, 'links/in'));
    const mount = ['-v', `${join(engine.dir, 'links')}:/links`];
    engine.iechor(['create', '--name', 'sealed', '--read-only', ...mount, 'busybox', 'true']);
    engine.iechor(['create', '--name', 'open', ...mount, 'busybox', 'true']);
    expect(engine.iechor(['cp', 'file', 'sealed:/links/out/']).stderr).toContain(
      'container rootfs is marked read-only',
    );
    expect([cp('file', 'sealed:/links/in/'), outside('links/inner/file')]).toEqual([0, 'old\n']);
    expect([cp('file', 'open:/links/out/'), cp('open:/tmp/file', 'back')]).toEqual([0, 0]);
    engine.iechor(['rm', 'sealed', 'open']);
  });

  test('cp from a container follows the same rules, and no link that it brings', () => {
    inside(
      'mkdir -p /x/sub; echo in > /x/file; ln -s file /x/link; ln /x/file /x/hard; chmod 700 /x/sub; echo s > /x/sub/deep',
    );
    expect(cp('box:/x', 'out')).toBe(0);
    mkdirSync(join(engine.dir, 'there'));
    expect(cp('box:/x', 'there')).toBe(0);
    expect(cp('box:/x/.', 'there')).toBe(0);
    expect(cp('box:/x/file', 'file')).toBe(0);
    for (const path of ['out/file', 'out/hard', 'there/x/link', 'there/file', 'file'])
      expect(outside(path)).toBe('in\n');
    expect(readlinkSync(join(engine.dir, 'out/link'))).toBe('file');
    expect(statSync(join(engine.dir, 'out/sub')).mode & 0o777).toBe(0o700);
    expect(cp('box:/x', 'file')).toBe(1);
    expect(cp('box:/no/such', 'out')).toBe(1);
    // What lies here under the name of an entry is replaced, not written through.
    mkdirSync(join(engine.dir, 'trap/x'), { recursive: true });
    writeFileSync(join(engine.dir, 'victim'), 'safe\n');
    symlinkSync('../../victim', join(engine.dir, 'trap/x/file'));
    expect(cp('box:/x', 'trap')).toBe(0);
    expect([outside('victim'), outside('trap/x/file')]).toEqual(['safe\n', 'in\n']);
  });

  test('update changes limits of a running container, and stats shows them', () => {
    expect(engine.iechor(['update', '-m', '32m', '--memory-swap', '64m', '--restart', 'always', 'box']).stdout).toBe(
      'box\n',
    );
    const template = '{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}';
    expect(engine.iechor(['inspect', '-f', template, 'box']).stdout).toBe('33554432 always\n');
    const shown = engine.iechor(['stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}} {{.PIDs}} {{.CPUPerc}}']);
    expect(shown.stdout).toMatch(/^box [\d.]+[KM]iB \/ 32MiB 1 \d+\.\d\d%\n$/);
    expect(engine.iechor(['update', 'box']).exit).toBe(1);
    expect(engine.iechor(['update', '-m', 'much', 'box']).stderr).toContain('"much" is not a size');
    expect(engine.iechor(['stats', '--no-stream', 'nobody']).exit).toBe(1);
  });

  test('stats goes on until it is interrupted, and ends quietly', async () => {
    const running = engine.start(['stats', '--format', '{{.Name}}']);
    let output = '';
    running.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const ended = new Promise<number | null>((resolve) => running.once('close', resolve));
    await eventually('two samples', () => (output.match(/box\n/g)?.length ?? 0) >= 2);
    running.kill('SIGINT');
    expect(await ended).toBe(0);
  });
});
