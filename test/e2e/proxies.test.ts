import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type DockerRegistry, registryProgram, registryUser, startDockerRegistry } from '../support/docker-registry.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, eventually, importBusybox, type PrivateEngine } from '../support/private-engine.ts';
import { openProxy, type TestProxy } from '../support/proxy.ts';

describeWithContainers('proxies', () => {
  if (!registryProgram) {
    test.skip('this machine lacks docker-registry', () => {});
    return;
  }
  let engine: PrivateEngine;
  let registry: DockerRegistry;
  let proxy: TestProxy;
  let env: Record<string, string>;
  const iechor = (args: readonly string[], input = '') => engine.iechor(args, { env, input });

  beforeAll(async () => {
    engine = createPrivateEngine();
    env = { IECHOR_CONFIG: join(engine.dir, 'config') };
    registry = await startDockerRegistry(join(engine.dir, 'registry'), { login: true });
    // A proxy that makes no tunnels, for a registry that speaks plain text under a name that only the proxy knows.
    proxy = await openProxy({ names: { 'registry.test:80': registry.host }, login: 'me:word' });
    const config = join(engine.dir, 'iechord.json');
    const address = `http://me:word@${proxy.host}`;
    const proxies = { 'http-proxy': address, 'https-proxy': address };
    writeFileSync(config, JSON.stringify({ 'insecure-registries': ['registry.test'], proxies }));
    const roots = ['--data-root', join(engine.dir, 'data'), '--exec-root', join(engine.dir, 'run')];
    spawn(resolve('bin/iechord'), [...roots, '--host', `unix://${engine.socketPath}`, '--config-file', config], {
      detached: true,
      stdio: 'ignore',
    }).unref();
    await eventually('the engine answers', () => engine.iechor(['daemon', 'status']).exit === 0);
    importBusybox(engine);
  });
  afterAll(async () => {
    proxy?.close();
    await registry?.stop();
    engine.dispose();
  });

  // The proxy runs in this process, which the CLI must not block.
  const iechorBeside = async (...args: readonly string[]) => {
    const child = engine.start(args, { env });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += String(chunk)));
    child.stderr?.on('data', (chunk) => (output += String(chunk)));
    const exit = await new Promise((done) => child.on('close', done));
    return { exit, output };
  };

  test('of the engine are what it logs in, pushes and pulls through, and are named where they are in the way', async () => {
    const name = 'registry.test/team/app:1';
    iechor(['tag', 'busybox', name]);
    const login = await iechorBeside(
      'login',
      '-u',
      registryUser.username,
      '-p',
      registryUser.password,
      'registry.test',
    );
    expect(login).toMatchObject({ exit: 0, output: expect.stringContaining('Login Succeeded') });
    expect(await iechorBeside('push', name)).toMatchObject({ exit: 0, output: expect.stringContaining(': Pushed\n') });
    iechor(['rmi', '-f', name]);
    expect(await iechorBeside('pull', name)).toMatchObject({ exit: 0, output: expect.stringContaining(`${name}\n`) });
    expect(proxy.asked).toContain('GET http://registry.test/v2/team/app/manifests/1');
    const unknown = await iechorBeside('pull', 'elsewhere.test/x');
    expect(unknown).toMatchObject({ exit: 1, output: expect.stringContaining(`the proxy ${proxy.host} answered`) });
    expect(unknown.output).not.toContain('word');
  });

  test("of Docker's configuration file are handed to containers and builds that have none of their own", () => {
    const other = { httpProxy: 'http://nobody.example' };
    const proxies = { default: { httpProxy: 'http://p.example:3128', noProxy: 'inner' }, 'tcp://other:1': other };
    mkdirSync(env.IECHOR_CONFIG ?? '', { recursive: true });
    writeFileSync(join(env.IECHOR_CONFIG ?? '', 'config.json'), JSON.stringify({ proxies }));
    const seen = (text: string) =>
      text
        .split('\n')
        .flatMap((line) => /\w*_proxy=\S*/i.exec(line) ?? [])
        .toSorted();
    const expected = ['HTTP_PROXY=http://p.example:3128', 'NO_PROXY=mine', 'http_proxy=http://p.example:3128'];
    const run = iechor(['run', '--rm', '-e', 'NO_PROXY=mine', 'busybox', 'env']);
    expect(seen(run.stdout)).toEqual([...expected, 'no_proxy=inner']);
    const project = join(engine.dir, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'iEchorfile'), 'FROM busybox\nRUN env > /env\n');
    const service = '{build: ., image: proxied, command: cat /env, environment: {HTTP_PROXY: own}}';
    writeFileSync(join(project, 'compose.yaml'), `services: {web: ${service}}\n`);
    const build = engine.iechor(['build', '-q', '-t', 'proxied', '--build-arg', 'NO_PROXY=mine', '.'], {
      env,
      cwd: project,
    });
    expect(build.exit).toBe(0);
    expect(seen(iechor(['run', '--rm', 'proxied', 'cat', '/env']).stdout)).toEqual([...expected, 'no_proxy=mine']);
    expect(seen(iechor(['image', 'inspect', 'proxied']).stdout)).toEqual([]);
    const inCompose = engine.iechor(['compose', 'run', '--rm', 'web', 'env'], { env, cwd: project });
    expect(seen(inCompose.stdout)).toEqual(
      ['HTTP_PROXY=own', 'NO_PROXY=inner', 'http_proxy=http://p.example:3128', 'no_proxy=inner'].toSorted(),
    );
  });
});
