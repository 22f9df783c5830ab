import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, type PrivateEngine } from '../support/private-engine.ts';

describeWithContainers('what goes into a build and what comes out of it', () => {
  let engine: PrivateEngine;
  const at = (name: string) => join(engine.dir, name);
  const ok = (...args: string[]): string => {
    const ran = engine.iechor(args);
    if (ran.exit !== 0) throw new Error(ran.stderr);
    return ran.stdout;
  };

  beforeAll(() => {
    engine = createPrivateEngine();
    for (const dir of ['ctx', 'other']) mkdirSync(at(dir));
    writeFileSync(at('ctx/a'), 'one');
    writeFileSync(at('ctx/iEchorfile'), 'FROM scratch\nCOPY a /d/\nCOPY --from=other o /\n');
    writeFileSync(at('other/o'), 'two');
  });
  afterAll(() => engine?.dispose());

  test('files go to a directory or an archive, and leave no image behind', () => {
    ok('build', '--build-context', 'other=other', '-o', 'out', 'ctx');
    expect([readFileSync(at('out/d/a'), 'utf8'), readFileSync(at('out/o'), 'utf8')]).toEqual(['one', 'two']);
    ok('build', '--build-context', 'other=other', '-o', 'type=tar,dest=out.tar', '-t', 'unnamed', 'ctx');
    const listed = spawnSync('tar', ['tf', at('out.tar')], { encoding: 'utf8' }).stdout.split('\n');
    expect(listed).toEqual(['d/', 'd/a', 'o', '']);
    expect(ok('images', '-q')).toBe('');
  });

  test('files for several platforms lie side by side, or together where none is in the way of another', () => {
    for (const name of ['amd64', 'arm64']) writeFileSync(at(`other/${name}`), name);
    writeFileSync(at('each'), 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /\n');
    writeFileSync(at('same'), 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /same\n');
    const args = (file: string, output: string) => [
      'build',
      '--platform',
      'linux/arm64,linux/amd64',
      '-f',
      file,
      '-o',
      output,
      'other',
    ];
    ok(...args('same', 'type=local,dest=split'));
    expect(readFileSync(at('split/linux_arm64/same'), 'utf8')).toBe('arm64');
    ok(...args('same', 'type=tar,dest=split.tar'));
    const listed = spawnSync('tar', ['tf', at('split.tar')], { encoding: 'utf8' }).stdout.split('\n');
    expect(listed).toEqual(['linux_amd64/', 'linux_amd64/same', 'linux_arm64/', 'linux_arm64/same', '']);
    ok(...args('each', 'type=local,dest=joined,platform-split=false'));
    expect(readdirSync(at('joined')).sort()).toEqual(['amd64', 'arm64']);
    expect(engine.iechor(args('same', 'type=local,dest=clash,platform-split=false'))).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('cannot overwrite same from linux/amd64 with linux/arm64'),
    });
    expect(ok('images', '-q')).toBe('');
  });

  test('a build file tells its arguments with the values that this build gives them, also by way of other stages', () => {
    const base = 'FROM scratch AS base\n# WHO is asked\nARG WHO=nobody\nENV HOME=/home/$WHO';
    const text = `${base}\nFROM base AS last\nARG DIR=$HOME/of\nARG NONE\nARG TARGETARCH\n`;
    writeFileSync(at('asked'), text);
    const outline = (format: string) =>
      ok('build', '--call', `outline,format=${format}`, '-f', 'asked', '--build-arg', 'WHO=me', 'ctx');
    expect(outline('text')).toContain('BUILD ARG   VALUE         DESCRIPTION\nWHO         me            is asked\n');
    const { args, sources } = JSON.parse(outline('json'));
    expect(sources).toEqual([Buffer.from(text).toString('base64')]);
    expect(args).toMatchObject([
      { name: 'WHO', value: 'me', description: 'is asked' },
      { name: 'DIR', value: '/home/me/of' },
      { name: 'NONE' },
    ]);
  });

  test('an image layout can be built from again', () => {
    const files = ['--iidfile', 'id', '--metadata-file', 'meta.json'];
    ok('build', '--build-context', 'other=other', '-o', 'type=oci,dest=layout,tar=false', '-t', 'a:1', ...files, 'ctx');
    const id = readFileSync(at('id'), 'utf8');
    expect(JSON.parse(readFileSync(at('meta.json'), 'utf8'))).toMatchObject({
      'containerimage.config.digest': id,
      'image.name': 'a:1',
    });
    expect(existsSync(at('layout/oci-layout'))).toBe(true);
    ok('build', '--build-context', 'other=oci-layout://layout', '-o', 'again', 'ctx');
    ok('build', '--build-context', 'other=docker-image://a:1', '-o', 'again', 'ctx');
    expect(readFileSync(at('again/o'), 'utf8')).toBe('two');
  });

  test('layers of an image layout are packed as asked for, and read again', () => {
    const layers = (...options: string[]) => {
      const output = ['type=oci', 'dest=packed', 'tar=false', 'annotation.org.example.by=Us', ...options].join(',');
      ok('build', '--build-context', 'other=other', '-t', 'packed:1', '--provenance=false', '-o', output, 'ctx');
      const blob = ({ digest }: { digest: string }) =>
        JSON.parse(readFileSync(at(`packed/blobs/${digest.replace(':', '/')}`), 'utf8'));
      const manifest = blob(JSON.parse(readFileSync(at('packed/index.json'), 'utf8')).manifests[0]);
      expect(manifest.annotations).toEqual({ 'org.example.by': 'Us' });
      expect(spawnSync('tar', ['-C', at('packed'), '-cf', at('packed.tar'), '.']).status).toBe(0);
      expect(ok('load', '-i', 'packed.tar')).toContain('packed:1');
      expect(ok('image', 'ls', '-q', 'packed')).not.toBe('');
      ok('rmi', 'packed:1');
      return manifest.layers.map(({ mediaType }: { mediaType: string }) => mediaType.replace(/.*tar/, ''));
    };
    expect(layers('compression=zstd', 'compression-level=19', 'force-compression=true')).toEqual(['+zstd', '+zstd']);
    expect(layers('compression=uncompressed', 'force-compression=true')).toEqual(['', '']);
    expect(layers()).toEqual(['+gzip', '+gzip']);
    // As they are stored by now.
    expect(layers('compression=zstd')).toEqual(['+gzip', '+gzip']);
  });

  test.each([
    [['-o', 'type=local'], 'a local output needs dest'],
    [['-o', 'type=tar,dest=x,compression=zstd'], 'not for an output of type=tar'],
    [['--push', '-o', 'out'], 'cannot be used together'],
    [['--ssh', 'default=/nowhere'], 'socket nor a key'],
    [['--build-context', 'x=/nowhere'], 'not a directory'],
    [['--label', '=x'], 'has no name'],
  ])('%j is refused before anything is built', (args, message) => {
    const ran = engine.iechor(['build', ...args, 'ctx']);
    expect(ran.exit).not.toBe(0);
    expect(ran.stderr).toContain(message);
  });

  test('a build file comes from the web', async () => {
    const server = createServer((_, answer) => answer.end('FROM scratch\nLABEL from=web\n')).listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    try {
      const { port } = server.address() as { port: number };
      const child = engine.start(['build', '-t', 'web', `http://127.0.0.1:${port}/file`]);
      const exit = await new Promise((done) => child.once('exit', done));
      expect(exit).toBe(0);
      expect(ok('inspect', '-f', '{{.Config.Labels.from}}', 'web').trim()).toBe('web');
    } finally {
      server.close();
    }
  });
});
