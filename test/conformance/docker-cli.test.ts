import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hasIPv6 } from '../../src/host/netns-sockets.ts';
import { dockerSocket } from '../support/docker-engine.ts';
import { missingForContainers, programPath } from '../support/machine.ts';
import {
  createPrivateEngine,
  eventually,
  importBusybox,
  type PrivateEngine,
  type Ran,
} from '../support/private-engine.ts';

/** Docker's client: IECHOR_TEST_DOCKER_CLI (a command that knows its own engine), or `docker` on PATH. */
const given = process.env.IECHOR_TEST_DOCKER_CLI?.split(' ').filter(Boolean);
const client = given ?? (programPath('docker') === undefined ? undefined : ['docker']);
const missing = missingForContainers();
const socket = dockerSocket();

type Opened = { readonly env: Readonly<Record<string, string>>; readonly private?: PrivateEngine };

/** The same session with Docker's client on our engine and, where there is one, on Docker's own. */
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
  const lacking = client ? lackingEngine : "Docker's client (docker on PATH, or IECHOR_TEST_DOCKER_CLI)";
  if (lacking) console.warn(`SKIPPED: Docker's client on ${engineName}: this machine lacks ${lacking}`);
  (lacking ? describe.skip : describe)(`Docker's client on ${engineName}`, () => {
    const prefix = `t${process.pid}${engineName === 'iechord' ? 'i' : 'd'}`;
    let dir: string;
    let opened: Opened;
    beforeAll(() => {
      dir = mkdtempSync(join(tmpdir(), 'iechor-docker-cli-'));
      opened = open();
    });
    afterAll(() => {
      const left = out('ps', '-aq', '--filter', `name=${prefix}`).split('\n').filter(Boolean);
      if (left.length > 0) docker('rm', '-f', '-v', ...left);
      const images = out('images', '-q', '--filter', `reference=${prefix}*`).split('\n').filter(Boolean);
      if (images.length > 0) docker('rmi', '-f', ...images);
      opened.private?.dispose();
      rmSync(dir, { recursive: true, force: true });
    });

    const withInput = (input: string, args: readonly string[]): Ran => {
      const [program = '', ...first] = client ?? [];
      const result = spawnSync(program, [...first, ...args], {
        env: { ...process.env, DOCKER_BUILDKIT: '0', NO_COLOR: '1', ...opened.env },
        input,
        encoding: 'utf8',
        timeout: 60_000,
      });
      if (result.error) throw result.error;
      return { exit: result.status ?? 128, stdout: result.stdout, stderr: result.stderr };
    };
    const docker = (...args: string[]): Ran => withInput('', args);
    const out = (...args: string[]): string => docker(...args).stdout.trim();
    const done = (...args: string[]): string => {
      const ran = docker(...args);
      if (ran.exit !== 0) throw new Error(`docker ${args.join(' ')} ended with ${ran.exit}: ${ran.stderr}`);
      return ran.stdout.trim();
    };
    const name = (label: string) => `${prefix}-${label}`;
    const state = (label: string, template: string) => out('inspect', '-f', template, name(label));

    test('version and info say what the engine is', () => {
      expect(done('version', '--format', '{{.Server.Os}}/{{.Server.Arch}} {{.Server.APIVersion}}')).toMatch(
        /^linux\/(amd64|arm64) 1\.\d+$/,
      );
      expect(done('version')).toMatch(
        /Server:[\s\S]*API version:\s+1\.\d+ \(minimum version 1\.\d+\)[\s\S]*OS\/Arch:\s+linux\//,
      );
      expect(done('info', '--format', '{{.OSType}} {{.ContainersRunning}}')).toMatch(/^linux \d+$/);
    });

    test('a container goes through its life', () => {
      done(
        'create',
        '--name',
        name('life'),
        '-e',
        'A=b',
        '--label',
        'l=1',
        '-p',
        '127.0.0.1:0:80',
        'busybox',
        'sh',
        '-c',
        'echo out; echo err >&2; exec sleep 600',
      );
      done('start', name('life'));
      expect(
        out('ps', '--filter', `name=${name('life')}`, '--format', '{{.Names}} {{.Image}} {{.Status}} {{.Ports}}'),
      ).toMatch(/busybox Up .* 127\.0\.0\.1:\d+->80\/tcp$/);
      expect(docker('logs', name('life'))).toEqual({ exit: 0, stdout: 'out\n', stderr: 'err\n' });
      expect(out('port', name('life'))).toMatch(/^80\/tcp -> 127\.0\.0\.1:\d+$/);
      expect(out('top', name('life'), '-o', 'pid,comm').split('\n').at(-1)).toMatch(/sleep$/);
      expect(out('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', name('life'))).toBe(`${name('life')} 1`);
      done('rename', name('life'), name('renamed'));
      done('pause', name('renamed'));
      expect(out('ps', '--filter', `name=${name('renamed')}`, '--format', '{{.Status}}')).toContain('(Paused)');
      expect(docker('exec', name('renamed'), 'true').exit).not.toBe(0);
      done('unpause', name('renamed'));
      done('update', '--memory', '64m', '--memory-swap', '128m', '--restart', 'unless-stopped', name('renamed'));
      expect(state('renamed', '{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}')).toBe(
        '67108864 unless-stopped',
      );
      expect(docker('rm', name('renamed')).exit).toBe(1);
      done('stop', '-t', '0', name('renamed'));
      expect(out('wait', name('renamed'))).toBe('137');
      expect(state('renamed', '{{.State.Status}} {{.State.ExitCode}}')).toBe('exited 137');
      done('rm', name('renamed'));
      expect(docker('inspect', name('renamed')).exit).toBe(1);
    });

    test('exec hands over environment, directory and exit code', () => {
      done('run', '-d', '--name', name('exec'), '-e', 'A=b', 'busybox', 'sleep', '600');
      expect(
        docker('exec', '-e', 'X=y', '-w', '/bin', name('exec'), 'sh', '-c', 'echo $A $X; pwd; exit 3'),
      ).toMatchObject({
        exit: 3,
        stdout: 'b y\n/bin\n',
      });
      expect(withInput('typed', ['exec', '-i', name('exec'), 'cat']).stdout).toBe('typed');
      expect(docker('exec', name('exec'), 'no-such-command').exit).toBe(127);
      done('rm', '-f', name('exec'));
    });

    test.each([
      ['the exit code of the command', ['sh', '-c', 'exit 7'], 7],
      ['127 for a command that is not on the PATH', ['no-such-command'], 127],
      ['127 for a path that is not there', ['/no/such/command'], 127],
      ['126 for what is no program', ['/bin'], 126],
    ])('run ends with %s, and --rm leaves nothing', (_what, command, exit) => {
      expect(docker('run', '--rm', '--name', name('code'), 'busybox', ...command).exit).toBe(exit);
      expect(out('ps', '-aq', '--filter', `name=${name('code')}`)).toBe('');
    });

    test('a container that could not start stays, with its code and the reason', () => {
      expect(docker('run', '--name', name('broken'), 'busybox', 'no-such-command').exit).toBe(127);
      expect(state('broken', '{{.State.Status}} {{.State.ExitCode}}')).toBe('created 127');
      expect(state('broken', '{{.State.Error}}')).toContain('executable file not found');
      expect(docker('start', name('broken')).exit).toBe(1);
      done('rm', name('broken'));
    });

    test('run hands standard input on and sees its end', () => {
      expect(withInput('twelve bytes', ['run', '--rm', '-i', 'busybox', 'wc', '-c']).stdout.trim()).toBe('12');
    });

    test('cp goes both ways, diff and export see it', () => {
      done('create', '--name', name('files'), 'busybox', 'true');
      writeFileSync(join(dir, 'file'), 'content\n');
      done('cp', join(dir, 'file'), `${name('files')}:/tmp/inside`);
      done('cp', `${name('files')}:/tmp/inside`, join(dir, 'back'));
      expect(readFileSync(join(dir, 'back'), 'utf8')).toBe('content\n');
      expect(docker('cp', `${name('files')}:/no/such`, dir).exit).toBe(1);
      expect(out('diff', name('files')).split('\n')).toContain('A /tmp/inside');
      done('export', '-o', join(dir, 'root.tar'), name('files'));
      expect(done('import', '-c', 'CMD ["cat", "/tmp/inside"]', join(dir, 'root.tar'), `${name('image')}:1`)).toMatch(
        /^sha256:/,
      );
      done('rm', name('files'));
      expect(out('run', '--rm', `${name('image')}:1`)).toBe('content');
      done('rmi', `${name('image')}:1`);
    });

    test('images are tagged, listed, saved, removed and loaded', () => {
      const image = `${name('image')}:1`;
      done('create', '--name', name('files'), 'busybox', 'true');
      done('export', '-o', join(dir, 'root.tar'), name('files'));
      done('rm', name('files'));
      done('import', join(dir, 'root.tar'), image);
      expect(out('history', '--format', '{{.Comment}}', image)).toContain('Imported');
      done('tag', image, `${name('image')}:2`);
      expect(out('images', '--format', '{{.Tag}}', name('image')).split('\n').sort()).toEqual(['1', '2']);
      const id = out('images', '-q', '--no-trunc', image);
      expect(out('image', 'inspect', '-f', '{{.Id}} {{.Os}} {{.RootFS.Type}}', image)).toBe(`${id} linux layers`);
      done('save', '-o', join(dir, 'image.tar'), image, `${name('image')}:2`);
      done('rmi', image, `${name('image')}:2`);
      expect(docker('rmi', image).exit).toBe(1);
      expect(out('load', '-i', join(dir, 'image.tar'))).toContain(`Loaded image: ${image}`);
      expect(out('images', '-q', '--no-trunc', image)).toBe(id);
      done('rmi', image, `${name('image')}:2`);
    });

    test('containers of a network know each other by name and alias', () => {
      done('network', 'create', '--label', 'x=y', name('net'));
      expect(out('network', 'ls', '--filter', `name=${name('net')}`, '--format', '{{.Name}} {{.Driver}}')).toBe(
        `${name('net')} bridge`,
      );
      done(
        'run',
        '-d',
        '--name',
        name('peer'),
        '--network',
        name('net'),
        '--network-alias',
        'alias',
        'busybox',
        'sleep',
        '600',
      );
      for (const host of ['alias', name('peer')])
        expect(docker('run', '--rm', '--network', name('net'), 'busybox', 'ping', '-c1', '-W5', host).exit).toBe(0);
      expect(out('network', 'inspect', '-f', '{{range .Containers}}{{.Name}}{{end}}', name('net'))).toBe(name('peer'));
      done('network', 'connect', 'bridge', name('peer'));
      expect(state('peer', '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}').split(' ').sort()).toEqual(
        ['bridge', name('net')].sort(),
      );
      done('network', 'disconnect', 'bridge', name('peer'));
      expect(docker('network', 'rm', name('net')).exit).toBe(1);
      done('rm', '-f', name('peer'));
      done('network', 'rm', name('net'));
    });

    test('ports are published in both families under one number, once a network leads outside', () => {
      done('network', 'create', '--internal', name('inside'));
      done('network', 'create', name('front'));
      done('run', '-d', '--name', name('ports'), '--network', name('inside'), '-p', '80', 'busybox', 'sleep', '1000');
      expect(out('port', name('ports'))).toBe('');
      done('network', 'connect', name('front'), name('ports'));
      const [four = '', six = ''] = out('port', name('ports'), '80').split('\n');
      expect(four).toMatch(/^0\.0\.0\.0:\d+$/);
      expect(six).toBe(hasIPv6() ? four.replace('0.0.0.0', '[::]') : '');
      done('rm', '-f', name('ports'));
      done('network', 'rm', name('inside'), name('front'));
    });

    test('networks may have two addresses and options of one’s own, and tell what was asked for', () => {
      const isolated = ['--internal', '-o', 'com.docker.network.bridge.gateway_mode_ipv4=isolated', '-o', 'colour=red'];
      done('network', 'create', ...isolated, '--subnet', '198.18.77.200/31', name('pair'));
      expect(out('network', 'inspect', '-f', '{{json .IPAM.Config}} {{.Options.colour}}', name('pair'))).toBe(
        '[{"Subnet":"198.18.77.200/31"}] red',
      );
      done('run', '-d', '--name', name('one'), '--network', name('pair'), 'busybox', 'sleep', '1000');
      const ping = ['busybox', 'ping', '-c1', '-W5', name('one')];
      expect(docker('run', '--rm', '--network', name('pair'), ...ping).exit).toBe(0);
      done('rm', '-f', name('one'));
      done('network', 'rm', name('pair'));
    });

    test('links give names, hosts entries and variables on the default network, and a name on others', () => {
      done('network', 'create', name('net'));
      for (const network of ['bridge', name('net')]) {
        const linked = ['--network', network, '--link', `${name('linked')}:db`];
        expect(docker('run', '--rm', '--link', `${name('linked')}:db`, 'busybox', 'true').exit).toBe(125);
        done(
          'run',
          '-d',
          '--name',
          name('linked'),
          '--network',
          network,
          '--expose',
          '5432',
          '-e',
          'K=v',
          'busybox',
          'top',
        );
        expect(docker('run', '--rm', ...linked, 'busybox', 'ping', '-c1', '-W5', 'db').exit).toBe(0);
        done('rm', '-f', name('linked'));
      }
      done('network', 'rm', name('net'));
      done('run', '-d', '--name', name('linked'), '--expose', '5432', '-e', 'K=v', 'busybox', 'top');
      const address = state('linked', '{{.NetworkSettings.Networks.bridge.IPAddress}}');
      done(
        'create',
        '--name',
        name('linking'),
        '--link',
        `${name('linked')}:db`,
        'busybox',
        'sh',
        '-c',
        'env; cat /etc/hosts',
      );
      expect(state('linking', '{{.HostConfig.Links}}')).toBe(`[/${name('linked')}:/${name('linking')}/db]`);
      expect(out('ps', '--no-trunc', '--filter', `name=${name('linked')}`, '--format', '{{.Names}}')).toContain(
        `${name('linking')}/db`,
      );
      const told = out('start', '-a', name('linking'));
      for (const line of [`DB_PORT=tcp://${address}:5432`, `DB_PORT_5432_TCP_ADDR=${address}`, 'DB_ENV_K=v'])
        expect(told.split('\n')).toContain(line);
      expect(told).toMatch(new RegExp(`^${address}\\sdb .*${name('linked')}$`, 'm'));
      done('rm', '--link', `${name('linking')}/db`);
      expect(state('linking', '{{.HostConfig.Links}}')).toBe('[]');
      done('rm', '-f', name('linked'), name('linking'));
    });

    test('a volume outlives its containers and is in use by those that are there', () => {
      expect(done('volume', 'create', '--label', 'a=b', name('vol'))).toBe(name('vol'));
      done('run', '--rm', '-v', `${name('vol')}:/v`, 'busybox', 'sh', '-c', 'echo kept > /v/file');
      expect(
        docker(
          'run',
          '--rm',
          '--mount',
          `type=volume,src=${name('vol')},dst=/v,readonly`,
          'busybox',
          'sh',
          '-c',
          'cat /v/file; touch /v/x',
        ),
      ).toMatchObject({ exit: 1, stdout: 'kept\n' });
      done('create', '--name', name('user'), '-v', `${name('vol')}:/v`, 'busybox', 'true');
      expect(docker('volume', 'rm', name('vol')).exit).toBe(1);
      done('rm', name('user'));
      expect(out('volume', 'ls', '-q', '--filter', `name=${name('vol')}`)).toBe(name('vol'));
      done('volume', 'rm', name('vol'));
      expect(docker('volume', 'inspect', name('vol')).exit).toBe(1);
    });

    test('the files of an image can be mounted, and a log be done without', () => {
      const mount = ['--mount', 'type=image,source=busybox,target=/image,image-subpath=bin'];
      expect(docker('run', '--rm', ...mount, 'busybox', 'sh', '-c', 'test -x /image/sh && ! touch /image/x').exit).toBe(
        0,
      );
      expect(out('run', '--name', name('mute'), '--log-driver', 'none', 'busybox', 'echo', 'said')).toBe('said');
      expect(docker('logs', name('mute')).stderr).toContain('does not support reading');
      done('rm', name('mute'));
    });

    test('the files of a mounted image stay for a container that is stopped while the image is removed', () => {
      done('run', '--name', name('source'), 'busybox', 'sh', '-c', 'echo kept > /kept');
      done('commit', name('source'), name('mounted'));
      done('rm', name('source'));
      const mount = `type=image,source=${name('mounted')},target=/image`;
      done('create', '--name', name('later'), '--mount', mount, 'busybox', 'cat', '/image/kept');
      done('rmi', '-f', name('mounted'));
      expect(out('start', '-a', name('later'))).toBe('kept');
      done('rm', name('later'));
    });

    test('every end of a process is waited for, also one that is followed by a restart', () => {
      done('run', '-d', '--name', name('again'), '--restart', 'always', 'busybox', 'sh', '-c', 'sleep 1; exit 3');
      expect(out('wait', name('again'))).toBe('3');
      expect(docker('rm', name('again')).stderr).toContain('stop the container before');
      done('rm', '-f', name('again'));
    });

    test('events tell what happened, and system df what lies there', () => {
      const since = String(Date.now() / 1000 - 0.001);
      done('run', '--rm', '--name', name('told'), 'busybox', 'true');
      const told = out(
        'events',
        '--since',
        since,
        '--until',
        String(Date.now() / 1000 + 0.5),
        '--filter',
        `container=${name('told')}`,
        '--format',
        '{{.Action}}',
      );
      for (const action of ['create', 'start', 'die', 'destroy']) expect(told.split('\n')).toContain(action);
      expect(done('system', 'df', '--format', '{{.Type}}').split('\n')).toEqual([
        'Images',
        'Containers',
        'Local Volumes',
        'Build Cache',
      ]);
      expect(done('system', 'df', '-v')).toContain('busybox');
    });

    test('the classic builder builds, uses its cache and says why it fails', () => {
      const context = join(dir, 'context');
      mkdirSync(context);
      writeFileSync(join(context, 'file'), 'from the context\n');
      writeFileSync(
        join(context, 'Dockerfile'),
        'FROM busybox\nARG WHO=nobody\nRUN echo "hello $WHO" > /hello && echo building\nCOPY file /\nEXPOSE 0 90/sctp\nSTOPSIGNAL 65\nCMD ["cat", "/hello", "/file"]\n',
      );
      const build = () =>
        docker('build', '-t', name('built'), '--build-arg', `WHO=${prefix}`, '--label', 'k=v', context);
      expect(build().stdout).toMatch(/\nbuilding\n[\s\S]*Successfully tagged /);
      expect(build().stdout).toContain('---> Using cache');
      expect(out('run', '--rm', name('built'))).toBe(`hello ${prefix}\nfrom the context`);
      writeFileSync(join(context, 'Dockerfile'), 'FROM busybox\nRUN echo about to fail; exit 3\n');
      expect(docker('build', '--force-rm', context)).toMatchObject({
        exit: 3,
        stdout: expect.stringContaining('\nabout to fail\n'),
      });
      writeFileSync(join(context, 'Dockerfile'), 'FROM busybox\nRUNN true\n');
      expect(docker('build', context)).toMatchObject({ exit: 1, stderr: expect.stringMatching(/RUNN/) });
      done('run', '-d', '--name', name('odd'), name('built'), 'sleep', '600');
      done('stop', '-t', '5', name('odd'));
      expect(state('odd', '{{.State.ExitCode}} {{index .Config.ExposedPorts "90/sctp"}}')).toBe('137 map[]');
      done('rm', name('odd'));
      done('rmi', name('built'));
    });

    const hasCompose = client !== undefined && spawnCompose();
    (hasCompose ? test : test.skip)('docker compose brings a project up and down', async () => {
      const project = join(dir, 'project');
      mkdirSync(join(project, 'web'), { recursive: true });
      writeFileSync(join(project, 'web/Dockerfile'), 'FROM busybox\nRUN echo hello > /hello\n');
      writeFileSync(
        join(project, 'compose.yaml'),
        [
          `name: ${prefix}`,
          'services:',
          '  web:',
          '    build: ./web',
          '    command: sh -c "cat /hello; exec sleep 600"',
          '    init: false',
          '    depends_on: {db: {condition: service_healthy}}',
          '    ports: ["127.0.0.1::8080"]',
          '    volumes: ["data:/data"]',
          '  db:',
          '    image: busybox',
          '    command: sleep 600',
          '    stop_grace_period: 0s',
          '    healthcheck: {test: "true", interval: 200ms, start_period: 10s, start_interval: 200ms}',
          '    networks: {default: {aliases: [database]}}',
          'volumes: {data: {}}',
        ].join('\n'),
      );
      const compose = (...args: string[]) => docker('compose', '-f', join(project, 'compose.yaml'), ...args);
      expect(compose('up', '-d')).toMatchObject({ exit: 0 });
      expect(compose('ps', '--format', '{{.Service}} {{.State}} {{.Health}}').stdout.trim().split('\n').sort()).toEqual(
        ['db running healthy', 'web running'],
      );
      await eventually('the log is there', () =>
        compose('logs', '--no-color', 'web').stdout.includes('web-1  | hello'),
      );
      expect(compose('exec', '-T', 'web', 'ping', '-c1', '-W5', 'database').exit).toBe(0);
      expect(compose('exec', '-T', 'web', 'sh', '-c', 'exit 4').exit).toBe(4);
      expect(compose('port', 'web', '8080').stdout).toMatch(/^127\.0\.0\.1:\d+\n$/);
      expect(compose('images').stdout).not.toMatch(/\d{2,} years ago/);
      expect(compose('run', '--rm', '-T', 'web', 'echo', 'one-off').stdout).toBe('one-off\n');
      expect(compose('up', '-d').stderr).toMatch(/web-1 +Running/);
      expect(compose('restart', '-t', '0', 'web').exit).toBe(0);
      expect(compose('down', '-v', '-t', '0', '--rmi', 'local').exit).toBe(0);
      expect(out('ps', '-aq', '--filter', `label=com.docker.compose.project=${prefix}`)).toBe('');
      expect(out('volume', 'ls', '-q', '--filter', `name=${prefix}_`)).toBe('');
      expect(out('network', 'ls', '-q', '--filter', `name=${prefix}_`)).toBe('');
    });
  });
}

function spawnCompose(): boolean {
  const [program = '', ...first] = client ?? [];
  const found = spawnSync(program, [...first, 'compose', 'version']).status === 0;
  if (!found) console.warn("SKIPPED: docker compose: Docker's client lacks its plugin compose");
  return found;
}
