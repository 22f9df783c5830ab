import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dockerSocket } from '../support/docker-engine.ts';
import { missingForContainers, programPath } from '../support/machine.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine, type Ran } from '../support/private-engine.ts';

/** Docker's client: IECHOR_TEST_DOCKER_CLI (a command that knows its own engine), or `docker` on PATH. */
const given = process.env.IECHOR_TEST_DOCKER_CLI?.split(' ').filter(Boolean);
const client = given ?? (programPath('docker') === undefined ? [] : ['docker']);
const has = (plugin: string) =>
  client.length > 0 && spawnSync(client[0] ?? '', [...client.slice(1), plugin, 'version']).status === 0;
const lackingClient = has('buildx') && has('compose') ? '' : "Docker's client with buildx and compose";
const missing = missingForContainers();
const socket = dockerSocket();

type Opened = { readonly env: Readonly<Record<string, string>>; readonly private?: PrivateEngine };

/** The same builds with Docker's client on our engine and, where there is one, on Docker's own. */
const engines: readonly (readonly [name: string, lacking: string, open: () => Opened])[] = [
  ['iechord', missing.join(', '), openPrivate],
  [
    'a Docker Engine',
    given || socket ? '' : 'a Docker Engine (IECHOR_TEST_DOCKER_SOCKET, IECHOR_TEST_DOCKER_CLI)',
    () => ({ env: given ? {} : { DOCKER_HOST: `unix://${socket}` } }),
  ],
];

function openPrivate(): Opened {
  const engine = createPrivateEngine();
  importBusybox(engine);
  return { private: engine, env: { DOCKER_HOST: `unix://${engine.socketPath}` } };
}

for (const [engineName, lackingEngine, open] of engines) {
  const lacking = lackingClient || lackingEngine;
  if (lacking) console.warn(`SKIPPED: builds of Docker's client on ${engineName}: this machine lacks ${lacking}`);
  (lacking ? describe.skip : describe)(`Docker's client builds on ${engineName}`, () => {
    const prefix = `b${process.pid}${engineName === 'iechord' ? 'i' : 'd'}`;
    let dir = '';
    let opened: Opened;
    beforeAll(() => {
      dir = mkdtempSync(join(tmpdir(), 'iechor-docker-build-'));
      opened = open();
      put(
        'Dockerfile',
        'FROM busybox AS one\nARG WHO=nobody\nRUN echo "for $WHO" > /who\nFROM one AS two\nCOPY sub /sub/\n',
      );
      put('sub/a', 'a');
      put('sub/ignored', 'i');
      put('.dockerignore', 'sub/ign*\n');
    });
    afterAll(() => {
      const images = docker('images', '-q', '--filter', `reference=${prefix}*`).stdout.split('\n').filter(Boolean);
      if (images.length > 0) docker('rmi', '-f', ...images);
      opened.private?.dispose();
      rmSync(dir, { recursive: true, force: true });
    });

    const put = (path: string, text: string) => {
      mkdirSync(join(dir, path, '..'), { recursive: true });
      writeFileSync(join(dir, path), text);
    };
    const withInput = (input: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Ran => {
      const result = spawnSync(client[0] ?? '', [...client.slice(1), ...args], {
        env: { ...process.env, DOCKER_BUILDKIT: '', BUILDKIT_PROGRESS: 'plain', NO_COLOR: '1', ...opened.env, ...env },
        input,
        encoding: 'utf8',
        timeout: 60_000,
      });
      if (result.error) throw result.error;
      return { exit: result.status ?? 128, stdout: result.stdout, stderr: result.stderr };
    };
    const docker = (...args: string[]): Ran => withInput('', args);
    const shown = (image: string, command: string) => docker('run', '--rm', image, 'sh', '-c', command).stdout;

    (engineName === 'iechord' ? test : test.skip)(
      'files, a layout in a directory and a cache for several platforms',
      () => {
        put('both/Dockerfile', 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /is\n');
        for (const name of ['amd64', 'arm64']) put(`both/${name}`, name);
        const build = (...args: string[]) =>
          docker('buildx', 'build', '--platform', 'linux/amd64,linux/arm64', ...args, join(dir, 'both'));
        const output = join(dir, 'files');
        const cache = join(dir, 'both-cache');
        const built = build('-o', `type=local,dest=${output}`, '--cache-to', `type=local,dest=${cache}`);
        expect(built).toMatchObject({ exit: 0, stderr: expect.stringContaining('(2 steps, 2 layers)') });
        expect(readFileSync(join(output, 'linux_arm64/is'), 'utf8')).toBe('arm64');
        expect(build('-o', `type=tar,dest=${output}.tar`).exit).toBe(0);
        const listed = spawnSync('tar', ['tf', `${output}.tar`], { encoding: 'utf8' }).stdout.split('\n');
        expect(listed).toEqual(['linux_amd64/', 'linux_amd64/is', 'linux_arm64/', 'linux_arm64/is', '']);
        const layout = join(dir, 'layout');
        expect(build('-t', 'both:1', '-o', `type=oci,tar=false,dest=${layout}`).exit).toBe(0);
        const [index] = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')).manifests;
        expect(index.annotations['io.containerd.image.name']).toBe('docker.io/library/both:1');
        const blob = readFileSync(join(layout, 'blobs', index.digest.replace(':', '/')), 'utf8');
        const platforms = JSON.parse(blob).manifests.map((one: { platform: object }) => one.platform);
        expect(platforms).toContainEqual(expect.objectContaining({ architecture: 'arm64' }));
      },
    );

    test('a directory, without being told to use the old way', () => {
      const { exit, stderr } = docker('build', '-t', `${prefix}:1`, '--build-arg', 'WHO=me', '--label', 'a=b', dir);
      expect(stderr).toContain('[two 1/1] COPY sub /sub/');
      expect(stderr).toContain(`naming to docker.io/library/${prefix}:1`);
      expect(exit).toBe(0);
      expect(shown(`${prefix}:1`, 'cat /who; ls /sub')).toBe('for me\na\n');
      expect(docker('inspect', '-f', '{{.Config.Labels.a}}', `${prefix}:1`).stdout).toBe('b\n');
    });

    (engineName === 'iechord' ? test : test.skip)('a cache that is kept where the client runs', () => {
      const cache = mkdtempSync(join(tmpdir(), 'iechor-client-cache-'));
      try {
        docker('buildx', 'build', '--cache-to', `type=local,dest=${cache},mode=max`, dir);
        docker('builder', 'prune', '--all', '--force');
        const again = docker('buildx', 'build', '--cache-from', `type=local,src=${cache}`, dir).stderr;
        expect(again).toMatch(/RUN echo .*\n#[0-9]+ CACHED/);
      } finally {
        rmSync(cache, { recursive: true, force: true });
      }
    });

    test('steps that are done already are shown as cached', () => {
      docker('build', '-t', `${prefix}:2`, dir);
      expect(docker('build', '-t', `${prefix}:2`, dir).stderr).toMatch(/RUN echo .*\n#[0-9]+ CACHED/);
    });

    test('a stage, and its id in a file', () => {
      const file = join(dir, 'iid');
      docker('build', '-q', '-t', `${prefix}:one`, '--target', 'one', '--iidfile', file, dir);
      const [image] = JSON.parse(docker('image', 'inspect', `${prefix}:one`).stdout);
      expect(readFileSync(file, 'utf8')).toBe(image.Id);
      expect(shown(`${prefix}:one`, 'test -e /sub || echo none')).toBe('none\n');
    });

    test('a build file from standard input, and one outside of the context', () => {
      const text = `FROM busybox\nCOPY sub/a /copied\n`;
      expect(withInput(text, ['build', '-q', '-t', `${prefix}:stdin`, '-f', '-', dir]).exit).toBe(0);
      put('outside/other.Dockerfile', text);
      const args = ['build', '-q', '-t', `${prefix}:outside`, '-f', join(dir, 'outside/other.Dockerfile'), dir];
      expect(docker(...args).exit).toBe(0);
      expect(shown(`${prefix}:stdin`, 'cat /copied')).toBe(shown(`${prefix}:outside`, 'cat /copied'));
    });

    test('with a secret, which stays out of the image', () => {
      put('token', 'hush');
      const text = 'FROM busybox\nRUN --mount=type=secret,id=t wc -c < /run/secrets/t > /size\n';
      const secret = ['--secret', `id=t,src=${join(dir, 'token')}`];
      expect(withInput(text, ['build', '-q', '-t', `${prefix}:secret`, ...secret, '-f', '-', dir]).exit).toBe(0);
      expect(shown(`${prefix}:secret`, 'cat /size; ls /run/secrets 2>/dev/null | wc -l')).toBe('4\n0\n');
    });

    test('the failure of a command, with its place and exit code', () => {
      const { exit, stderr } = withInput('FROM busybox\nRUN echo so; exit 3\n', ['build', '-f', '-', dir]);
      expect(exit).toBe(1);
      expect(stderr).toContain('>>> RUN echo so; exit 3');
      expect(stderr).toContain('process "/bin/sh -c echo so; exit 3" did not complete successfully: exit code: 3');
    });

    test('with the classic builder: an image after every step, and the containers of steps as --rm and --force-rm say', () => {
      const classic = (text: string, ...flags: string[]) => {
        const args = ['build', '--no-cache', '-t', `${prefix}:classic`, ...flags, '-'];
        const { stdout } = withInput(text, args, { DOCKER_BUILDKIT: '0' });
        const ids = (pattern: RegExp) => [...stdout.matchAll(pattern)].map(([, id = '']) => id);
        const containers = ids(/---> Running in ([0-9a-f]{12})$/gm);
        const kept = containers.filter((id) => docker('inspect', '--type=container', id).exit === 0);
        if (kept.length > 0) docker('rm', ...kept);
        return { stdout, images: ids(/^ ---> ([0-9a-f]{12})$/gm), ran: containers.length, kept: kept.length };
      };
      const base = classic(
        'FROM busybox\nRUN echo 1 > /one\nRUN echo 2 > /two\nONBUILD RUN echo 3 > /three\n',
        '--rm=false',
      );
      expect([base.ran, base.kept]).toEqual([3, 3]);
      expect(shown(base.images[1] ?? '', 'cat /one /two 2>/dev/null')).toBe('1\n');
      docker('tag', `${prefix}:classic`, `${prefix}:base`);
      const stages = classic(`FROM busybox AS a\nFROM ${prefix}:base\nUSER 7\n`);
      expect(stages.stdout).toContain('# Executing 1 build trigger\n');
      expect(stages.stdout).toMatch(/^Step 3\/3 : USER 7$/m);
      expect([stages.ran, stages.kept]).toEqual([2, 0]);
      expect(classic('FROM busybox\nRUN true\nRUN false\n')).toMatchObject({ ran: 2, kept: 1 });
      expect(classic('FROM busybox\nRUN true\nRUN false\n', '--force-rm')).toMatchObject({ ran: 2, kept: 0 });
    });

    test('with the classic builder: variables over arguments, volumes that forget, a network of another', () => {
      const said = (text: string, ...flags: string[]) =>
        withInput(text, ['build', '--no-cache', ...flags, '-'], { DOCKER_BUILDKIT: '0' });
      said(
        'FROM busybox\nARG told=default\nARG kept\nRUN true\n',
        '--build-arg',
        'kept=secret',
        '-t',
        `${prefix}:args`,
      );
      const history = docker('history', '--no-trunc', '--format', '{{.CreatedBy}}', `${prefix}:args`).stdout;
      expect(history).toMatch(/\|2 kept=secret told=default .*true.*\n.*ARG kept\n.*ARG told=default$/m);
      const steps = 'ENV a=variable\nARG a=argument\nVOLUME /v\nRUN echo "a is $a"; touch /v/x\nRUN ls /v | wc -l\n';
      expect(said(`FROM busybox\n${steps}`).stdout).toMatch(/^a is variable\n[\s\S]*^0$/m);
      expect(said('FROM busybox\nRUN touch /f\nVOLUME /f\nRUN true\n').stderr).toMatch(
        /^cannot mount volume over existing file, file exists .*\/f$/m,
      );
      docker('run', '-d', '--name', `${prefix}-net`, '--hostname', 'shared', 'busybox', 'sleep', '600');
      const shared = said('FROM busybox\nRUN grep shared /etc/hosts\n', '--network', `container:${prefix}-net`);
      docker('rm', '-f', `${prefix}-net`);
      expect(shared.exit).toBe(0);
      expect(said('FROM busybox\n', '--security-opt', 'seccomp=unconfined').stderr).toContain(
        'security options are not supported on linux',
      );
    });

    test('what an image was built or committed from is kept while that is there, and not by BuildKit', () => {
      const child = (name: string, env: NodeJS.ProcessEnv) =>
        withInput(`FROM ${prefix}:below\nENV a=b\n`, ['build', '-q', '-t', `${prefix}:${name}`, '-'], env);
      withInput('FROM busybox\nENV below=1\n', ['build', '-q', '-t', `${prefix}:below`, '-']);
      const id = docker('image', 'inspect', '-f', '{{.Id}}', `${prefix}:below`).stdout.trim();
      child('classic-child', { DOCKER_BUILDKIT: '0' });
      expect(docker('rmi', '-f', id).stderr).toContain('(cannot be forced) - image has dependent child images');
      docker('rmi', `${prefix}:classic-child`);
      child('child', {});
      expect(docker('rmi', id).exit).toBe(0);
    });

    test('a mistake in the build file, with its place', () => {
      const { exit, stderr } = withInput('FROM busybox\nRUNN x\n', ['build', '-f', '-', dir]);
      expect(exit).toBe(1);
      expect(stderr).toContain('dockerfile parse error on line 2: unknown instruction: RUNN');
      expect(stderr).toContain('>>> RUNN x');
    });

    test('files of the result into a directory', () => {
      const to = join(dir, 'out');
      const { exit } = withInput('FROM scratch\nCOPY sub /x/\n', ['build', '-o', to, '-f', '-', dir]);
      expect(exit).toBe(0);
      expect(readFileSync(join(to, 'x/a'), 'utf8')).toBe('a');
      expect(existsSync(join(to, 'x/ignored'))).toBe(false);
    });

    test('contexts by name', () => {
      put('second/f', 'of the second');
      const text = 'FROM base\nCOPY --from=second f /f\n';
      const contexts = [
        '--build-context',
        `second=${join(dir, 'second')}`,
        '--build-context',
        'base=docker-image://busybox',
      ];
      expect(withInput(text, ['build', '-q', '-t', `${prefix}:named`, ...contexts, '-f', '-', dir]).exit).toBe(0);
      expect(shown(`${prefix}:named`, 'cat /f')).toBe('of the second');
    });

    test('the services of a project, one on top of another', () => {
      put(
        'project/compose.yaml',
        `name: ${prefix}
services:
  base: { image: "${prefix}:base", build: { context: .., target: one, args: { WHO: compose } } }
  app:
    image: "${prefix}:app"
    command: cat /who
    network_mode: none
    build: { context: ., dockerfile_inline: "FROM base\\nRUN cat /who", additional_contexts: { base: "service:base" } }
`,
      );
      const file = join(dir, 'project/compose.yaml');
      const { exit, stdout, stderr } = docker('compose', '-f', file, 'up', '--build', '--no-color', 'app');
      docker('compose', '-f', file, 'down');
      expect(stderr + stdout).toContain('for compose');
      expect(exit).toBe(0);
    });

    test('and tells what the cache holds', () => {
      expect(docker('buildx', 'du').stdout).toContain('Total:');
      expect(docker('buildx', 'inspect').stdout).toMatch(/Status: +running/);
      expect(docker('builder', 'prune', '-f', '--filter', 'until=24h').exit).toBe(0);
    });
  });
}
