import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { dockerSocket } from '../support/docker-engine.ts';
import { type DockerRegistry, registryProgram, registryUser, startDockerRegistry } from '../support/docker-registry.ts';
import { programPath } from '../support/machine.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

/** Docker's client: a command that knows its own engine, or `docker` on PATH with the engine's socket. */
const given = process.env.IECHOR_TEST_DOCKER_CLI;
const docker = given ?? programPath('docker');
const socket = dockerSocket();
const skopeo = programPath('skopeo');

/** What the engine answers to a request of a Docker client, message by message. */
async function messagesOf({ socketPath }: PrivateEngine, path: string): Promise<unknown[]> {
  const headers = { 'X-Registry-Auth': Buffer.from('{}').toString('base64') };
  const reply = await new Promise<IncomingMessage>((resolve, reject) =>
    request({ socketPath, path: `/v1.51${path}`, method: 'POST', headers }, resolve)
      .on('error', reject)
      .end(),
  );
  const lines = (await text(reply)).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as unknown);
}

describeWithContainers('registries by the command line', () => {
  if (!registryProgram) {
    test.skip('this machine lacks docker-registry', () => {});
    return;
  }
  let engine: PrivateEngine;
  let open: DockerRegistry;
  let closed: DockerRegistry;
  let env: Record<string, string>;

  beforeAll(async () => {
    engine = createPrivateEngine();
    importBusybox(engine);
    env = { IECHOR_CONFIG: join(engine.dir, 'config') };
    open = await startDockerRegistry(join(engine.dir, 'open'));
    closed = await startDockerRegistry(join(engine.dir, 'closed'), { login: true });
  });
  afterAll(async () => {
    await open?.stop();
    await closed?.stop();
    engine.dispose();
  });

  const iechor = (args: readonly string[], input = '') => {
    const ran = engine.iechor(args, { env, input });
    return { ...ran, text: `${ran.stdout}${ran.stderr}` };
  };
  const manifestOf = (name: string): string => {
    const { stdout } = iechor(['image', 'inspect', '-f', '{{join .RepoDigests "\\n"}}', name]);
    return (
      stdout
        .split('\n')
        .find((line) => line.startsWith(name.replace(/:[^:/]*$/, '')))
        ?.split('@')[1] ?? ''
    );
  };

  test('a login is kept encrypted, is used by push and pull, and is gone after a logout', () => {
    const name = `${closed.host}/team/app:1`;
    expect(iechor(['tag', 'busybox', name]).exit).toBe(0);
    expect(iechor(['push', name])).toMatchObject({ exit: 1, stderr: expect.stringContaining('iechor login') });
    const wrong = iechor(['login', '-u', registryUser.username, '--password-stdin', closed.host], 'wrong');
    expect([wrong.exit, wrong.text]).toEqual([1, expect.stringContaining('does not accept the login')]);
    const right = iechor(
      ['login', '-u', registryUser.username, '--password-stdin', closed.host],
      registryUser.password,
    );
    expect([right.exit, right.stdout]).toEqual([0, 'Login Succeeded\n']);
    for (const file of readdirSync(env.IECHOR_CONFIG ?? '')) {
      expect(readFileSync(join(env.IECHOR_CONFIG ?? '', file)).includes(registryUser.password)).toBe(false);
      expect(statSync(join(env.IECHOR_CONFIG ?? '', file)).mode & 0o77).toBe(0);
    }
    expect(iechor(['push', '-q', name])).toMatchObject({ exit: 0, stdout: `${name}\n` });
    iechor(['rmi', name]);
    expect(iechor(['pull', name]).stdout).toContain(`Status: Downloaded newer image for ${name}`);
    expect(iechor(['run', '--rm', name, 'echo', 'hello']).stdout).toBe('hello\n');
    expect(iechor(['logout', closed.host]).stdout).toBe(`Removing login credentials for ${closed.host}\n`);
    expect(iechor(['pull', name]).exit).toBe(1);
    // The daemon's log, where it writes one, knows nothing of it.
    const log = join(engine.dir, 'run', 'iechord.log');
    expect(existsSync(log) && readFileSync(log, 'utf8').includes(registryUser.password)).toBe(false);
  });

  test("Docker's configuration file and a helper's logins are used too", () => {
    const config = env.IECHOR_CONFIG ?? '';
    const { username, password } = registryUser;
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    writeFileSync(join(config, 'config.json'), JSON.stringify({ auths: { [`https://${closed.host}`]: { auth } } }));
    expect(iechor(['pull', `${closed.host}/team/app:1`]).exit).toBe(0);
    const helper = join(engine.dir, 'docker-credential-fixed');
    const reply = JSON.stringify({ ServerURL: closed.host, Username: username, Secret: password });
    writeFileSync(helper, `#!/bin/sh\n[ "$1" = get ] && echo '${reply}'\n`, { mode: 0o755 });
    writeFileSync(join(config, 'config.json'), JSON.stringify({ credHelpers: { [closed.host]: 'fixed' } }));
    const ran = engine.iechor(['pull', `${closed.host}/team/app:1`], {
      env: { ...env, PATH: `${engine.dir}:${process.env.PATH}` },
    });
    expect(ran.exit).toBe(0);
    writeFileSync(join(config, 'config.json'), '{}');
  });

  test('all tags of a repository go and come at once', () => {
    for (const tag of ['1', '2']) iechor(['tag', 'busybox', `${open.host}/all:${tag}`]);
    expect(iechor(['push', '-a', '-q', `${open.host}/all`]).exit).toBe(0);
    iechor(['rmi', `${open.host}/all:1`, `${open.host}/all:2`]);
    expect(iechor(['pull', '-a', `${open.host}/all`]).exit).toBe(0);
    expect(
      iechor(['images', '--format', '{{.Tag}}', `${open.host}/all`])
        .stdout.split('\n')
        .sort(),
    ).toEqual(['', '1', '2']);
  });

  test("what happens to a layer stays in its line with Docker's clients, too", async () => {
    const name = `${open.host}/told`;
    iechor(['tag', 'busybox', `${name}:1`]);
    const pushed = await messagesOf(engine, `/images/${name}/push?tag=1`);
    expect(pushed[0]).toEqual({ status: `The push refers to repository [${name}]` });
    const layer = { id: expect.stringMatching(/^[0-9a-f]{12}$/), progressDetail: {} };
    expect(pushed).toContainEqual({ status: 'Preparing', ...layer });
    expect(pushed.at(-1)).toMatchObject({ progressDetail: {}, aux: { Tag: '1', Size: expect.any(Number) } });
    iechor(['rmi', '-f', ...iechor(['images', '-aq']).stdout.split('\n').filter(Boolean)]);
    const pulled = await messagesOf(engine, `/images/create?fromImage=${name}&tag=1`);
    expect(pulled[0]).toEqual({ status: 'Pulling from told', id: '1' });
    expect(pulled).toContainEqual({ status: 'Pulling fs layer', ...layer });
    expect(pulled).toContainEqual({
      ...{
        status: 'Extracting',
        id: layer.id,
        progressDetail: { current: expect.any(Number), total: expect.any(Number) },
      },
      progress: expect.stringMatching(/^\[=*> *\] +[0-9.]+MB\/[0-9.]+MB$/),
    });
    iechor(['tag', `${name}:1`, 'busybox']);
    const again = iechor(['pull', `${name}:1`]).stdout;
    const digest = /^Digest: (sha256:[0-9a-f]{64})$/m.exec(again)?.[1];
    const upToDate = `Status: Image is up to date for ${name}:1`;
    expect(again).toBe(`1: Pulling from told\nDigest: ${digest}\n${upToDate}\n${name}:1\n`);
    expect(iechor(['pull', `${name}@${digest}`]).stdout).toContain(`${name}@${digest}: Pulling from told\n`);
    const missing = iechor(['pull', `${name}:2`]);
    expect([missing.exit, missing.stderr]).toEqual([1, expect.stringContaining(`manifest for ${name}:2 not found`)]);
    const unnamed = iechor(['push', `${name}:2`]);
    expect([unnamed.exit, unnamed.stderr]).toEqual([1, expect.stringContaining(`tag does not exist: ${name}:2`)]);
  });

  test('an image of one other platform comes when it is asked for, and runs when it is not, each with a warning', () => {
    const [name, host] = [`${open.host}/elsewhere:1`, process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'];
    iechor(['import', '--platform', 'linux/s390x', '-c', 'CMD ["true"]', join(engine.dir, 'busybox.tar'), name]);
    iechor(['push', '-q', name]);
    iechor(['rmi', name]);
    const said = 'its platform (linux/s390x) does not match the specified platform (linux/riscv64)';
    expect(iechor(['pull', '--platform', 'linux/riscv64', name])).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining(`WARNING: image with reference ${name} was found but ${said}\n`),
    });
    expect(iechor(['create', name]).stderr).toBe(
      `WARNING: The requested image's platform (linux/s390x) does not match the detected host platform (${host}) and no specific platform was requested\n`,
    );
    expect(iechor(['create', '--platform', 'linux/riscv64', name])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining(said),
    });
  });

  test('a project is pushed, published, and brought up from the registry', () => {
    const dir = join(engine.dir, 'project');
    mkdirSync(dir);
    writeFileSync(join(dir, 'iEchorfile'), 'FROM busybox\nRUN echo made > /made\n');
    writeFileSync(
      join(dir, 'compose.yaml'),
      `name: published\nservices:\n  web:\n    build: .\n    image: ${open.host}/web:1\n    command: cat /made\n    env_file: web.env\n  more: {image: "${open.host}/web:1", profiles: [never]}\n`,
    );
    writeFileSync(join(dir, 'web.env'), 'GREETING=hi\n');
    const inProject = (args: readonly string[]) => engine.iechor(['compose', ...args], { env, cwd: dir });
    expect(inProject(['build', '-q']).exit).toBe(0);
    expect(inProject(['push', '-q']).exit).toBe(0);
    const unasked = inProject(['publish', `${open.host}/project:1`]);
    expect([unasked.exit, unasked.stderr]).toEqual([1, expect.stringContaining('--with-env')]);
    expect(inProject(['publish', '--with-env', '-y', `${open.host}/project:1`]).stdout).toMatch(
      /^sha256:[0-9a-f]{64}\n$/,
    );
    const cache = { ...env, XDG_CACHE_HOME: join(engine.dir, 'cache') };
    const elsewhere = engine.iechor(['compose', '-f', `oci://${open.host}/project:1`, 'config'], { env: cache });
    expect(elsewhere.stdout).toContain(`image: ${open.host}/web:1`);
    expect(elsewhere.stdout).toContain('GREETING: hi');
    iechor(['rmi', `${open.host}/web:1`]);
    // What has a build section is not pulled by itself.
    expect(iechor(['pull', '-q', `${open.host}/web:1`]).exit).toBe(0);
    const up = engine.iechor(['compose', '-f', `oci://${open.host}/project:1`, 'run', '--rm', 'web'], { env: cache });
    expect(up.stdout).toBe('made\n');

    const app = inProject(['publish', '--app', '--with-env', '-y', `${open.host}/app:1`]);
    expect([app.exit, app.stderr]).toEqual([0, expect.stringContaining(`${open.host}/web:1@sha256:`)]);
    const digest = /@(sha256:[0-9a-f]{64}) copied/.exec(app.stderr)?.[1];
    expect(iechor(['pull', '-q', `${open.host}/app@${digest}`]).exit).toBe(0);
    const pinned = engine.iechor(['compose', '-f', `oci://${open.host}/app:1`, 'config'], { env: cache });
    expect(pinned.stdout).toContain(`image: ${open.host}/web:1@${digest}`);
    const profile = ['--profile', 'never', 'config', '--services'];
    const services = engine.iechor(['compose', '-f', `oci://${open.host}/app:1`, ...profile], { env: cache });
    expect(services.stdout.trim().split('\n').toSorted()).toEqual(['more', 'web']);
  });

  (docker && socket ? test : test.skip)('Docker Engine runs what we push, and we run what it pushes, unchanged', () => {
    const byDocker = (args: readonly string[]) => {
      const [program = '', ...rest] = (docker ?? '').split(' ');
      return spawnSync(program, [...rest, ...args], {
        env: { ...process.env, DOCKER_HOST: given ? '' : `unix://${socket}` },
        encoding: 'utf8',
      });
    };
    const [ours, theirs] = [`${open.host}/ours:1`, `${open.host}/theirs:1`];
    iechor(['tag', 'busybox', ours]);
    expect(iechor(['push', '-q', ours]).exit).toBe(0);
    expect(byDocker(['run', '--rm', ours, 'echo', 'ours']).stdout).toBe('ours\n');
    expect(byDocker(['image', 'inspect', '-f', '{{.RepoDigests}}', ours]).stdout).toContain(manifestOf(ours));
    byDocker(['tag', ours, theirs]);
    const pushed = byDocker(['push', theirs]).stdout;
    expect(iechor(['run', '--rm', theirs, 'echo', 'theirs']).stdout).toBe('theirs\n');
    expect(pushed).toContain(manifestOf(theirs));
    byDocker(['rmi', ours, theirs]);
  });

  (skopeo ? test : test.skip)('skopeo copies what we push, and we pull what it copies, with the same digest', () => {
    const [ours, copy] = [`${open.host}/for-skopeo:1`, `${open.host}/by-skopeo:1`];
    iechor(['tag', 'busybox', ours]);
    iechor(['push', '-q', ours]);
    const flags = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    expect(spawnSync(skopeo ?? '', ['copy', ...flags, `docker://${ours}`, `docker://${copy}`]).status).toBe(0);
    expect(iechor(['pull', copy]).exit).toBe(0);
    expect(manifestOf(copy)).toBe(manifestOf(ours));
  });
});
