import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithContainers } from '../support/needs.ts';
import {
  createPrivateEngine,
  eventually,
  importBusybox,
  type PrivateEngine,
  type Ran,
  tracesOf,
} from '../support/private-engine.ts';

describeWithContainers('builds by the command line', () => {
  let engine: PrivateEngine;
  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  afterAll(() => engine.dispose());

  const context = (name: string, files: Readonly<Record<string, string>>): string => {
    const dir = join(engine.dir, name);
    mkdirSync(dir, { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text);
    return dir;
  };
  const build = (dir: string, ...flags: string[]): Ran => engine.iechor(['build', ...flags, dir]);

  test('a secret reaches its step from a file or a variable, and stays out of image and cache', () => {
    const secret = 'sEcReT-7f3a';
    const dir = context('secret', {
      iEchorfile: [
        'FROM busybox',
        'RUN --mount=type=secret,id=file sha256sum < /run/secrets/file > /one',
        'RUN --mount=type=secret,id=variable,env=TOKEN printf %s "$TOKEN" | sha256sum > /two',
      ].join('\n'),
    });
    writeFileSync(join(engine.dir, 'secret-file'), secret);
    const given = ['--secret', `id=file,src=${join(engine.dir, 'secret-file')}`, '--secret', 'id=variable,env=GIVEN'];
    const ran = engine.iechor(['build', '-t', 'with-secret', ...given, dir], { env: { GIVEN: secret } });
    expect(ran.exit).toBe(0);
    const [one, two] = engine.iechor(['run', '--rm', 'with-secret', 'cat', '/one', '/two']).stdout.split('\n');
    expect(one).toBe(two);
    const found = engine.iechor(['run', '--rm', 'with-secret', 'grep', '-r', secret, '/one', '/two', '/etc', '/tmp']);
    expect(found.exit).toBe(1);
    const state = readFileSync(join(engine.dir, 'data/state.db'), 'latin1');
    const log = engine.iechor(['daemon', 'logs']).stdout;
    expect([state.includes(secret), log.includes(secret), (ran.stdout + ran.stderr).includes(secret)]).toEqual([
      false,
      false,
      false,
    ]);
    // Another content is no reason to run the step again.
    writeFileSync(join(engine.dir, 'secret-file'), 'other');
    expect(build(dir, ...given).stderr.match(/CACHED/g)).toHaveLength(2);
  });

  test('nothing of a failed build is left when its client hears of the failure', async () => {
    const dir = context('failed', { Dockerfile: 'FROM busybox\nRUN false\n' });
    for (let count = 0; count < 2000; count += 1) writeFileSync(join(dir, `file${count}`), '');
    const archive = execFileSync('tar', ['-C', dir, '-c', '.']);
    const left = await new Promise((resolve, reject) => {
      const asked = request({ socketPath: engine.socketPath, method: 'POST', path: '/build?version=1' }, (answer) => {
        answer.on('data', (chunk: Buffer) => {
          if (chunk.includes('"error"'))
            resolve(readdirSync(join(engine.dir, 'data/tmp')).filter((name) => name !== 'build'));
        });
        answer.once('end', () => reject(new Error('the build did not fail')));
      });
      asked.once('error', reject).end(archive);
    });
    expect(left).toEqual([]);
  });

  test('--memory limits what a RUN may use', () => {
    const dir = context('memory', { iEchorfile: 'FROM busybox\nRUN dd if=/dev/zero of=/dev/null bs=64M count=1\n' });
    expect(build(dir, '-m', '16m')).toMatchObject({ exit: 1, stderr: expect.stringContaining('exit code: 137') });
    expect(build(dir, '-m', '256m').exit).toBe(0);
  });

  test("a project's build takes secrets from files and variables", () => {
    const dir = context('project', {
      iEchorfile:
        'FROM busybox\nRUN --mount=type=secret,id=one cat /run/secrets/one > /one\nRUN --mount=type=secret,id=two,target=/t cat /t > /two\n',
      'one.txt': 'from the file',
      'compose.yaml': [
        'name: secretive',
        'services:',
        '  app:',
        '    image: secretive-app',
        '    build: {context: ., secrets: [one, {source: variable, target: two}]}',
        'secrets: {one: {file: one.txt}, variable: {environment: GIVEN}}',
      ].join('\n'),
    });
    const ran = engine.iechor(['compose', 'build'], { cwd: dir, env: { GIVEN: 'from the variable' } });
    expect(ran).toMatchObject({ exit: 0 });
    expect(engine.iechor(['run', '--rm', 'secretive-app', 'cat', '/one', '/two']).stdout).toBe(
      'from the filefrom the variable',
    );
  });

  test('kill -9 of the engine in the middle of a step leaves nothing mounted, and finished steps in the cache', async () => {
    const steps = ['FROM busybox', 'RUN echo finished > /finished'];
    const dir = context('killed', {
      iEchorfile: [...steps, 'RUN echo half > /half && echo begun && exec sleep 3271', ''].join('\n'),
    });
    const running = engine.start(['build', '-t', 'killed', dir]);
    let output = '';
    for (const stream of [running.stdout, running.stderr])
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    const ended = new Promise<number | null>((resolve) => running.once('close', resolve));
    await eventually('the step runs', () => output.includes(' begun\n'));
    expect(tracesOf(engine).some((trace) => trace.startsWith('mount') && trace.includes('build'))).toBe(true);
    process.kill(engine.daemonPid() ?? 0, 'SIGKILL');
    expect(await ended).not.toBe(0);

    // The next command starts the next engine.
    expect(engine.iechor(['images', '-q', 'killed']).stdout).toBe('');
    expect(tracesOf(engine).filter((trace) => /build-|sleep 3271/.test(trace))).toEqual([]);
    writeFileSync(join(dir, 'iEchorfile'), [...steps, 'RUN ls / > /list', ''].join('\n'));
    const again = build(dir, '-t', 'killed');
    expect(again.exit).toBe(0);
    expect(again.stderr.match(/CACHED/g)).toHaveLength(1);
    const listed = engine.iechor(['run', '--rm', 'killed', 'cat', '/list', '/finished']).stdout.split('\n');
    expect(listed).toContain('finished');
    expect(listed).not.toContain('half');
    expect(engine.iechor(['daemon', 'stop']).exit).toBe(0);
    expect(tracesOf(engine)).toEqual([]);
  });

  test('kill -9 at any moment of a build leaves nothing mounted, and what the next build makes is right', async () => {
    const random = seeded(20_261_121);
    const stages = ['a', 'b'].flatMap((name) => [
      `FROM busybox AS ${name}`,
      `COPY data /data`,
      `RUN for i in 1 2 3; do echo ${name}$i >> /${name}; sleep 0.1; done`,
      `RUN --mount=type=cache,target=/c cat /data /${name} > /both-${name} && sleep 0.2`,
    ]);
    const copies = ['COPY --from=a /both-a /', 'COPY --from=b /both-b /'];
    const dir = context('chaos', {
      iEchorfile: [...stages, 'FROM busybox', ...copies, 'RUN cat /both-a /both-b > /all', ''].join('\n'),
      data: 'x'.repeat(100_000),
    });
    for (let round = 0; round < 4; round++) {
      const running = engine.start(['build', '-t', 'chaos', dir]);
      const ended = new Promise<void>((resolve) => running.once('close', () => resolve()));
      let pid: number | undefined;
      await eventually('the engine runs', () => {
        pid = engine.daemonPid();
        return pid !== undefined;
      });
      await new Promise((resolve) => setTimeout(resolve, random() * 2500));
      process.kill(pid as unknown as number, 'SIGKILL');
      await ended;
      expect(engine.iechor(['images', '-q']).exit).toBe(0);
      expect(tracesOf(engine).filter((trace) => trace.includes('build-'))).toEqual([]);
    }
    expect(build(dir, '-t', 'chaos').exit).toBe(0);
    expect(build(dir, '-t', 'chaos').stderr.match(/CACHED/g)?.length).toBeGreaterThanOrEqual(9);
    const lines = engine.iechor(['run', '--rm', 'chaos', 'cat', '/all']).stdout.split('\n');
    expect(lines.map((line) => line.slice(-2))).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3', '']);
  }, 300_000);
});

/** Numbers from 0 to 1, the same at every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
