import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DockerClient } from '@microsoft/vscode-container-client';
import { programPath } from '../support/machine.ts';
import { describeSessions, type SessionEngine } from './sessions.ts';

/** What VS Code's Container Tools are told to run; what they print must be as the extension's strict parsers have it. */
const programs = [
  ['iechor', resolve('bin/iechor')],
  ...(programPath('docker') === undefined ? [] : [['docker', 'docker'] as const]),
] as const;

describeSessions("VS Code's container client", '', (open) => {
  let engine: SessionEngine;
  beforeAll(() => {
    engine = open();
  });
  afterAll(() => {
    const mine = ['ps', '-aq', '--filter', `name=${engine.prefix}`];
    const ids = run('bin/iechor', mine).split('\n').filter(Boolean);
    if (ids.length > 0) run('bin/iechor', ['rm', '-f', '-v', ...ids]);
    engine.dispose();
  });

  function run(command: string, args: readonly string[]): string {
    const env = { ...process.env, DOCKER_HOST: `unix://${engine.socketPath}` };
    const ran = spawnSync(command, args, { env, encoding: 'utf8', timeout: 30_000 });
    if (ran.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  }

  describe.each(programs)('with %s as its command', (label, path) => {
    const client = new DockerClient(path);
    const words = (args: readonly (string | { value: string })[]) =>
      args.map((arg) => (typeof arg === 'string' ? arg : arg.value));

    async function read<T>(command: {
      args: readonly (string | { value: string })[];
      parse: (text: string, strict: boolean) => Promise<T>;
    }): Promise<T> {
      return command.parse(run(path, words(command.args)), true);
    }

    test('containers, images, networks and volumes are listed and inspected', async () => {
      const name = `${engine.prefix}-${label}`;
      const labels = { 'com.docker.compose.project': name };
      const options = { imageRef: 'busybox:latest', detached: true, name, labels, command: ['sleep', '600'] };
      const id = (await read(await client.runContainer({ ...options, ports: [{ containerPort: 80 }] }))) ?? '';
      const listed = await read(await client.listContainers({ all: true, labels }));
      expect(listed).toMatchObject([{ name, state: 'running', image: { originalName: 'busybox:latest' }, labels }]);
      const [inspected] = await read(await client.inspectContainers({ containers: [id] }));
      expect(inspected).toMatchObject({ id, command: ['sleep', '600'], labels });
      expect((await read(await client.listImages({}))).length).toBeGreaterThan(0);
      expect(await read(await client.inspectImages({ imageRefs: ['busybox:latest'] }))).toHaveLength(1);
      expect(await read(await client.inspectNetworks({ networks: ['bridge'] }))).toMatchObject([{ name: 'bridge' }]);
      expect((await read(await client.listNetworks({}))).map((network) => network.name)).toContain('bridge');
      run(path, words((await client.createVolume({ name, driver: 'local' })).args));
      expect(await read(await client.inspectVolumes({ volumes: [name] }))).toMatchObject([{ name }]);
      expect((await read(await client.listVolumes({}))).map((volume) => volume.name)).toContain(name);
      expect(await read(await client.removeVolumes({ volumes: [name] }))).toEqual([name]);
      expect(await read(await client.stopContainers({ container: [id], time: 0 }))).toContain(id);
      expect(await read(await client.removeContainers({ containers: [id], force: true }))).toEqual([id]);
    });

    test('the engine, its events and the files of a container are read', async () => {
      expect(await read(await client.version({}))).toMatchObject({ server: expect.any(String) });
      expect(await read(await client.info({}))).toMatchObject({ osType: 'linux' });
      expect((await read(await client.listContexts({}))).map((context) => context.name)).toContain('default');
      const name = `${engine.prefix}-files-${label}`;
      const since = Math.floor(Date.now() / 1000) - 1;
      const options = { imageRef: 'busybox:latest', detached: true, name, command: ['sleep', '600'] };
      const id = (await read(await client.runContainer(options))) ?? '';
      const files = await read(await client.listFiles({ container: id, path: '/', operatingSystem: 'linux' }));
      expect(files.map((file) => file.name)).toEqual(expect.arrayContaining(['bin', 'etc']));
      run(path, ['rm', '-f', id]);
      const until = Math.ceil(Date.now() / 1000) + 1;
      const asked = await client.getEventStream({ since, until, types: ['container'] });
      const events = [];
      for await (const event of asked.parseStream(Readable.from([run(path, words(asked.args))]), true))
        if (event.actor.id === id) events.push(event.action);
      expect(events).toEqual(expect.arrayContaining(['create', 'start', 'die', 'destroy']));
    });
  });
});
