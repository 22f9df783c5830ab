import { Agent, request } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fieldShapes } from '../../src/api/field-shapes.ts';
import type { Route } from '../../src/api/route.ts';
import { routes } from '../../src/api/routes.ts';
import type { Shape } from '../../src/api/shape.ts';
import { bodyShapes } from '../../src/api/shapes.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
}

describeWithContainers('requests that nobody should send', () => {
  let engine: PrivateEngine;
  const agent = new Agent({ keepAlive: true });
  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
    engine.iechor(['run', '-d', '--name', 'there', 'busybox', 'sleep', '600']);
  });
  afterAll(() => {
    agent.destroy();
    engine.dispose();
  });

  const ask = ({ method, path }: Pick<Route, 'method' | 'path'>, body?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = {
        'Content-Type': 'application/json',
        ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }),
      };
      const sent = request({ agent, socketPath: engine.socketPath, method, path, headers }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('close', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on('error', reject).end(body);
    });
  const place = (route: Route, id = 'there') => ({ ...route, path: route.path.replace(/:id|:name/, id) });
  /** A fault of the engine's own, and not what it refuses by name or cannot reach. */
  const isFault = ({ status, text }: Answer) => status >= 500 && !/"(NOT_SUPPORTED|REGISTRY_UNREACHABLE)"/.test(text);

  test('no body of wrong types, with holes or cut short is answered by a fault', async () => {
    const faults: string[] = [];
    for (const [op, shape] of Object.entries<Shape>(bodyShapes)) {
      if (op === 'registryServe') continue;
      const route = place(routes[op as keyof typeof bodyShapes]);
      const tried = [
        '',
        '{',
        '[]',
        '"x"',
        'null',
        '['.repeat(5000),
        ...leavesOf(shape).flatMap((at) => wrong.map((value) => JSON.stringify(put(goodBodies[op], at, value)) ?? '')),
      ];
      for (const body of tried) {
        const answer = await ask(route, body);
        if (isFault(answer)) faults.push(`${op} ${body.slice(0, 120)}: ${answer.text}`);
        if (answer.status === 201 && op === 'containerCreate')
          await ask({ method: 'DELETE', path: `/containers/${JSON.parse(answer.text).Id}` });
      }
    }
    expect(faults).toEqual([]);
  }, 600_000);

  test('no query that should be JSON, and no NUL byte in a name or a query, is answered by a fault', async () => {
    const faults: string[] = [];
    for (const [op, fields] of Object.entries(fieldShapes)) {
      for (const name of Object.keys(fields)) {
        for (const value of ['', 'x', 'null', '-1', '{}', '[]', '[null]', '[{}]', '{"a":null}', '{"a":1}']) {
          const { method, path } = place(routes[op as keyof typeof fieldShapes], 'busybox');
          const answer = await ask({ method, path: `${path}?names=busybox&${name}=${encodeURIComponent(value)}` });
          if (isFault(answer)) faults.push(`${op} ${name}=${value}: ${answer.text}`);
        }
      }
    }
    for (const [op, route] of Object.entries<Route>(routes)) {
      if (!/^(container|exec|image|network|volume)/.test(op) || route.method === 'POST') continue;
      const { method, path } = place(route, '%00');
      const answer = await ask({ method, path: `${path}?path=%00&filters=%00` });
      if (isFault(answer)) faults.push(`${op} with NUL bytes: ${answer.text}`);
    }
    expect(faults).toEqual([]);
  }, 600_000);

  test('what is wrong with a body is told with its place, in a sentence', async () => {
    const create = async (host: string) =>
      (await ask({ method: 'POST', path: '/containers/create' }, `{"Image":"busybox","HostConfig":${host}}`)).text;
    expect(await create('{"Memory":"1g"}')).toContain('invalid request body: HostConfig.Memory: must be a number');
    expect(await create('{"Memory":1.5}')).toContain('HostConfig.Memory: must be a whole number');
    expect(await create('{"Memory":1e300}')).toContain('HostConfig.Memory: is out of range');
    expect(await create('{"Binds":["/a\\u0000:/b"]}')).toContain('HostConfig.Binds.0: must not contain a NUL byte');
    expect((await ask({ method: 'POST', path: '/iechor/check' }, '{"Containers":[{"Name":')).text).toContain(
      'invalid JSON: unexpected EOF',
    );
    expect(await ask({ method: 'POST', path: '/iechor/check' }, '{}')).toEqual({ status: 200, text: '[]\n' });
  });

  test('one text stands for a list of itself where Docker takes it so', async () => {
    const { text } = await ask(
      { method: 'POST', path: '/containers/create?name=words' },
      '{"Image":"busybox","Cmd":"true","Entrypoint":"env"}',
    );
    expect(JSON.parse(text)).toMatchObject({ Warnings: [] });
    const { stdout } = engine.iechor([
      'inspect',
      '--format',
      '{{json .Config.Cmd}}{{json .Config.Entrypoint}}',
      'words',
    ]);
    expect(stdout).toBe('["true"]["env"]\n');
  });
});

const wrong: readonly unknown[] = [1.5, [null], [{}]];

const goodBodies: Readonly<Record<string, unknown>> = {
  containerCreate: { Image: 'busybox', Cmd: ['true'] },
  execCreate: { Cmd: ['true'] },
  networkConnect: { Container: 'there' },
  networkDisconnect: { Container: 'there' },
  creationsCheck: { Containers: [{ Name: 'one', Body: { Image: 'busybox' } }] },
};

type Path = readonly (string | number)[];

/** The places of a body, of every depth, where something else could be put. */
function leavesOf(shape: Shape, at: Path = []): Path[] {
  if (typeof shape === 'string') return [at];
  if (Array.isArray(shape)) return [at, ...leavesOf(shape[0], [...at, 0])];
  return [at, ...Object.entries(shape).flatMap(([key, of]) => leavesOf(of, [...at, key === '*' ? 'key' : key]))];
}

function put(base: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  if (typeof key === 'number') return [put(Array.isArray(base) ? base[0] : undefined, rest, value)];
  const map = typeof base === 'object' && base !== null ? (base as Record<string, unknown>) : {};
  return { ...map, [key]: put(map[key], rest, value) };
}
