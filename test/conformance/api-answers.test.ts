import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeSessions, type SessionEngine } from './sessions.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

const busybox = { Image: 'busybox', Cmd: ['true'] };
const withHost = (HostConfig: object) => ({ ...busybox, HostConfig });
const withMount = (mount: object) => withHost({ Mounts: [mount] });

const sparc = encodeURIComponent('{"os":"linux","architecture":"sparc64"}');

/** A request that cannot be carried out: its status, and words of the message that clients and people know. */
const mistakes: readonly (readonly [call: string, body: unknown, status: number, words: string])[] = [
  [
    'POST /containers/create',
    '{invalid',
    400,
    "invalid JSON: invalid character 'i' looking for beginning of object key",
  ],
  ['POST /containers/create', '{} more', 400, 'unexpected content after JSON'],
  ['POST /containers/create', '', 400, 'invalid JSON: got EOF while reading request body'],
  ['POST /containers/create', {}, 400, 'config cannot be empty in order to create a container'],
  ['POST /containers/create', { Image: 'UPPER' }, 400, 'invalid reference format: repository name'],
  ['POST /containers/create', { Image: 'no-such-image' }, 404, 'No such image: no-such-image:latest'],
  ['POST /containers/create?name=-x', busybox, 400, 'Invalid container name (-x), only [a-zA-Z0-9]'],
  ['POST /containers/create?platform=linux/sparc64', busybox, 404, 'does not match the specified platform'],
  ['POST /containers/create', { ...busybox, Env: ['=x'] }, 400, 'invalid environment variable: =x'],
  ['POST /containers/create', { ...busybox, WorkingDir: 'x' }, 400, "the working directory 'x' is invalid"],
  ['POST /containers/create', withHost({ PidMode: 'x' }), 400, 'invalid PID mode: x'],
  ['POST /containers/create', withHost({ IpcMode: 'x' }), 400, 'invalid IPC mode: x'],
  ['POST /containers/create', withHost({ PidMode: 'container:none' }), 400, 'No such container: none'],
  ['POST /containers/create', withHost({ VolumesFrom: ['none'] }), 400, 'No such container: none'],
  ['POST /containers/create', withHost({ CpuShares: -1 }), 400, 'invalid CPU shares (-1): value must be a positive'],
  ['POST /containers/create', withHost({ ExtraHosts: ['x'] }), 400, 'bad format for add-host: "x"'],
  [
    'POST /containers/create',
    withMount({ Type: 'x', Target: '/x' }),
    400,
    'invalid mount config for type "x": mount type unknown',
  ],
  ['POST /containers/create', withMount({ Type: 'bind', Source: '/tmp' }), 400, 'field Target must not be empty'],
  [
    'POST /containers/create',
    withMount({ Type: 'bind', Source: '/tmp', Target: '/x', VolumeOptions: {} }),
    400,
    'VolumeOptions must not be specified on mount type "bind"',
  ],
  ['POST /build?squash=1', '', 400, 'squash is only supported with experimental mode'],
  ['POST /images/load?platform=%7B%7D', '', 400, 'both OS and Architecture must be provided'],
  [`GET /images/get?names=busybox&platform=${sparc}&platform=${sparc}`, '', 400, 'multiple platform parameters not'],
  [
    `GET /images/busybox/get?platform=${sparc}&platform=${sparc}`,
    '',
    400,
    'multiple platform parameters not supported',
  ],
  [`POST /images/load?platform=${sparc}&platform=${sparc}`, '', 400, 'multiple platform parameters not supported'],
  ['POST /v1.43/containers/create', twoNetworks(), 400, 'Container cannot be created with multiple network endpoints'],
  ['POST /containers/none/start', '', 404, 'No such container: none'],
  ['POST /containers/none/kill', '', 404, 'cannot kill container: none: No such container: none'],
  ['POST /containers/none/resize?h=x&w=1', '', 400, 'invalid resize height "x": invalid syntax'],
  ['POST /exec/none/resize?h=1&w=-1', '', 400, 'invalid resize width "-1": value out of range'],
  ['POST /exec/none/start', {}, 404, 'No such exec instance: none'],
  ['POST /commit', '', 400, 'invalid name or ID supplied: ""'],
  ['POST /networks/create', '', 400, 'invalid name: name is empty'],
  ['POST /networks/create', { Name: 'bridge' }, 403, 'operation is not permitted on predefined bridge network'],
  ['DELETE /networks/bridge', '', 403, 'bridge is a pre-defined network and cannot be removed'],
  ['GET /networks/none-such', '', 404, 'network none-such not found'],
  ['POST /volumes/create', { Name: 'x1', Driver: 'none' }, 404, 'plugin "none" not found'],
  ['GET /images/UPPER/json', '', 400, 'invalid reference format'],
  [`GET /images/busybox/json?platform=${sparc}`, '', 404, 'does not match the specified platform (linux/sparc64)'],
  [`GET /images/busybox/history?platform=${sparc}`, '', 404, 'does not match the specified platform (linux/sparc64)'],
  [`DELETE /images/busybox?platforms=${sparc}`, '', 404, 'does not match the specified platform (linux/sparc64)'],
  [
    `GET /images/busybox/json?platform=${encodeURIComponent('{"os":"linux"}')}`,
    '',
    400,
    'both OS and Architecture must be provided',
  ],
  ['POST /containers/none/rename', '', 400, 'Neither old nor new names may be empty'],
  ['GET /containers/none/archive', '', 400, 'bad parameter: path'],
  ['POST /images/create?fromImage=127.0.0.1:1/x:one&tag=two', '', 500, '127.0.0.1:1'],
  [
    'POST /images/create?fromImage=busybox&platform=x',
    '',
    400,
    '"x": unknown operating system or architecture: invalid argument',
  ],
  [
    'POST /containers/create?platform=linux/',
    busybox,
    400,
    '"" is an invalid component of "linux/": platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument',
  ],
  ['GET /events?since=2&until=1', '', 400, '`since` time (2) cannot be after `until` time (1)'],
  ['POST /build?version=3', '', 400, 'invalid version "3"'],
  ['POST /session', '', 400, 'no upgrade proto in request'],
];

function twoNetworks() {
  return { ...busybox, NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } };
}

describeSessions('the API', '', (open) => {
  let engine: SessionEngine;
  const made: string[] = [];
  beforeAll(() => {
    engine = open();
  });
  afterAll(async () => {
    for (const id of made) await ask(`DELETE /containers/${id}?force=1&v=1`);
    engine.dispose();
  });

  const ask = async (call: string, body: unknown = '', more: Record<string, string> = {}): Promise<Answer> => {
    const [method, path] = call.split(' ');
    const sent = typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(sent), ...more };
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: engine.socketPath, method, path, headers }, (answer) => {
        text(answer).then((said) => resolve({ status: answer.statusCode ?? 0, body: said }), reject);
      });
      asked.on('error', reject).end(sent);
    });
  };
  const create = async (body: object, version = ''): Promise<string> => {
    const { Id } = JSON.parse((await ask(`POST ${version}/containers/create`, body)).body);
    made.push(Id);
    return Id;
  };
  const inspect = async (id: string, version = '') =>
    JSON.parse((await ask(`GET ${version}/containers/${id}/json`)).body);

  test.each(mistakes)('%s %j is answered with %d: %s', async (call, body, status, words) => {
    const answer = await ask(call, body);
    expect(answer).toEqual({ status, body: expect.stringContaining(JSON.stringify(words).slice(1, -1)) });
  });

  test('a tag given beside a name stands for the one in it', async () => {
    const [name, tagged] = [`${engine.prefix}tagged:one`, `${engine.prefix}tagged:two`];
    expect((await ask(`POST /images/busybox/tag?repo=${name}&tag=two`)).status).toBe(201);
    expect((await ask(`DELETE /images/${tagged}`)).status).toBe(200);
    const id = await create(busybox);
    await ask(`POST /commit?container=${id}&repo=${name}&tag=two`, {});
    expect((await ask(`DELETE /images/${tagged}`)).status).toBe(200);
    const pushed = await ask(`POST /images/127.0.0.1:1/x:one/push?tag=two`);
    expect(pushed).toEqual({ status: 200, body: expect.stringContaining('with the tag: 127.0.0.1:1/x') });
  });

  test('a header for the login that holds none is as no header', async () => {
    const headers = { 'X-Registry-Auth': 'placeholder' };
    const pushed = await ask(`POST /images/127.0.0.1:1/x/push?tag=two`, '', headers);
    expect(pushed).toEqual({ status: 200, body: expect.stringContaining('with the tag: 127.0.0.1:1/x') });
    expect((await ask(`POST /images/create?fromImage=127.0.0.1:1/x&tag=two`, '', headers)).status).toBe(500);
  });

  test('a prune of builds that took nothing names no list', async () => {
    const { body } = await ask('POST /build/prune?filters={"id":["none"]}');
    expect(JSON.parse(body)).toEqual({ CachesDeleted: null, SpaceReclaimed: 0 });
  });

  describe('clients of older versions', () => {
    test('are told in bare words that they are too old, where they knew no other errors', async () => {
      const words =
        'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version';
      expect(await ask('GET /v1.23/version')).toEqual({ status: 400, body: `${words}\n` });
    });

    test('make containers with what was the default then, and see what was told then', async () => {
      const annotated = withHost({ Annotations: { a: 'b' } });
      const old = await create(annotated, '/v1.39');
      expect((await inspect(old)).HostConfig).toMatchObject({ IpcMode: 'shareable' });
      const id = await create({ ...annotated, Hostname: 'named' });
      expect((await inspect(id)).HostConfig).toMatchObject({ IpcMode: 'private', Annotations: { a: 'b' } });
      const filters = encodeURIComponent(JSON.stringify({ id: [id] }));
      for (const [version, told] of [
        ['v1.45', undefined],
        ['v1.46', { a: 'b' }],
      ] as const) {
        const [listed] = JSON.parse((await ask(`GET /${version}/containers/json?all=1&filters=${filters}`)).body);
        expect(listed.HostConfig.Annotations).toEqual(told);
      }
    });
  });

  test('a session is upgraded for a client that does not say that its connection is, too', async () => {
    const connection = connect(engine.socketPath);
    const uuid = `X-Docker-Expose-Session-Uuid: ${engine.prefix}`;
    connection.write(`POST /session HTTP/1.1\r\nHost: d\r\nUpgrade: h2c\r\n${uuid}\r\nContent-Length: 0\r\n\r\n`);
    let head = '';
    for await (const chunk of connection) {
      head += chunk;
      if (head.includes('\r\n\r\n')) break;
    }
    expect(head).toMatch(/^HTTP\/1.1 101 .*\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n/);
  });

  describe('a build over bare HTTP', () => {
    const contextOf = (file: string): Buffer => {
      const dir = mkdtempSync(join(tmpdir(), 'iechor-bare-build-'));
      writeFileSync(join(dir, 'Dockerfile'), file);
      const tar = execFileSync('tar', ['-C', dir, '-c', 'Dockerfile']);
      rmSync(dir, { recursive: true });
      return tar;
    };
    const linesOf = ({ body }: Answer) => body.split('\n').flatMap((line) => (line.trim() ? [JSON.parse(line)] : []));

    test('tells of itself in terms of BuildKit where that is asked for', async () => {
      const context = contextOf(`FROM busybox\nENV OF=${engine.prefix}\n`);
      const answer = await ask('POST /build?version=2', context);
      const lines = linesOf(answer);
      const traces = lines
        .filter(({ id }) => id === 'moby.buildkit.trace')
        .map(({ aux }) => Buffer.from(aux, 'base64'));
      expect(Buffer.concat(traces).toString('latin1')).toContain('[internal] load remote build context');
      const { id, aux } = lines.at(-1);
      expect(id).toBe('moby.image.id');
      expect(JSON.parse((await ask(`GET /images/${aux.ID}/json`)).body).Config.Env).toContain(`OF=${engine.prefix}`);
      await ask(`DELETE /images/${aux.ID}`);
    });

    test.each([
      ['', 'the Dockerfile (Dockerfile) cannot be empty'],
      ['# nothing\n', 'file with no instructions'],
      ['FROM busybox\nSHELL sh\n', 'dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form'],
      ['FROM busybox\n', 'target stage \\"none\\" could not be found', '?target=none'],
    ])('of the file %j is refused: %s', async (file, words, query = '') => {
      expect(await ask(`POST /build${query}`, contextOf(file))).toEqual({
        status: 400,
        body: expect.stringContaining(words),
      });
    });
  });

  test('a network may come after the containers that are to be on it', async () => {
    const id = await create(withHost({ NetworkMode: `${engine.prefix}-later` }));
    const early = await ask(`POST /containers/${id}/start`);
    const words = `failed to set up container networking: network ${engine.prefix}-later not found`;
    expect(early).toMatchObject({ status: 404, body: expect.stringContaining(words) });
    await ask('POST /networks/create', { Name: `${engine.prefix}-later` });
    expect((await ask(`POST /containers/${id}/start`)).status).toBe(204);
    await ask(`DELETE /containers/${id}?force=1`);
    expect((await ask(`DELETE /networks/${engine.prefix}-later`)).status).toBe(204);
  });

  test('limits are lifted, and what contradicts is refused', async () => {
    const id = await create({ ...withHost({ PidsLimit: 32, AutoRemove: true }), Cmd: ['sleep', '600'] });
    await ask(`POST /containers/${id}/start`);
    expect((await ask(`POST /containers/${id}/update`, { PidsLimit: -1, CpuQuota: -1 })).status).toBe(200);
    expect((await inspect(id)).HostConfig).toMatchObject({ PidsLimit: 0, CpuQuota: -1 });
    const restart = await ask(`POST /containers/${id}/update`, { RestartPolicy: { Name: 'always' } });
    expect(restart).toMatchObject({ status: 409, body: expect.stringContaining('because AutoRemove is enabled') });
  });

  test('a command that ends at once is heard on its terminal', async () => {
    const id = await create({ ...busybox, Cmd: ['sleep', '600'] });
    await ask(`POST /containers/${id}/start`);
    const heard: string[] = [];
    for (let count = 0; count < 20; count += 1) {
      const made = await ask(`POST /containers/${id}/exec`, { Cmd: ['echo', 'here'], Tty: true, AttachStdout: true });
      heard.push((await ask(`POST /exec/${JSON.parse(made.body).Id}/start`, { Tty: true })).body);
    }
    expect(new Set(heard)).toEqual(new Set(['here\r\n']));
  });

  test('archives are named by the path that was asked for', async () => {
    const id = await create(busybox);
    const names = async (path: string) => (await ask(`GET /containers/${id}/archive?path=${path}`)).body.split('\0')[0];
    expect(await names('/etc')).toBe('etc/');
    expect(await names('/etc/.')).toBe('./');
    expect(await names('/bin/busybox')).toBe('busybox');
    expect((await ask(`GET /containers/${id}/archive?path=/bin/busybox/`)).body).toContain('not a directory');
  });
});
