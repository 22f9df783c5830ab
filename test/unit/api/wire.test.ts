import { describe, expect, test } from '@jest/globals';
import { errorFromReply } from '../../../src/api/client-errors.ts';
import { routes } from '../../../src/api/routes.ts';
import { misfit, settleNulls } from '../../../src/api/shape.ts';
import { bodyShapes } from '../../../src/api/shapes.ts';
import type { Frame } from '../../../src/api/streams.ts';
import { compareVersions, decodeFrames, decodeLines, encodeFrame } from '../../../src/api/wire.ts';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('frames', () => {
  const frames: Frame[] = [
    { stream: 'stdout', data: Buffer.from('hello') },
    { stream: 'stderr', data: Buffer.alloc(1000, 1) },
    { stream: 'stdout', data: Buffer.alloc(0) },
    { stream: 'stdout', data: Buffer.from('end') },
  ];
  const wire = Buffer.concat(frames.map(encodeFrame));

  test('survive being cut anywhere', async () => {
    for (const size of [1, 7, 8, 13, 5000]) {
      const texts = new Map<string, string>();
      for (const { stream, data } of await collect(decodeFrames(pieces(wire, size)))) {
        texts.set(stream, (texts.get(stream) ?? '') + Buffer.from(data).toString('latin1'));
      }
      expect(texts).toEqual(
        new Map([
          ['stdout', 'helloend'],
          ['stderr', '\x01'.repeat(1000)],
        ]),
      );
    }
  });

  test('that are none, end early or promise gigabytes are refused', async () => {
    for (const bad of [
      Buffer.from('plain text instead'),
      wire.subarray(0, 10),
      Buffer.from([1, 0, 0, 0, 255, 0, 0, 0]),
    ]) {
      await expect(collect(decodeFrames(pieces(bad, 100)))).rejects.toMatchObject({ code: 'ENGINE_ERROR' });
    }
  });
});

test('JSON lines survive being cut inside of a character, and the last may lack its end', async () => {
  const bytes = Buffer.from('{"a":"ü"}\r\n\n{"b":2}');
  expect(await collect(decodeLines(pieces(bytes, 1)))).toEqual([{ a: 'ü' }, { b: 2 }]);
});

test('versions compare by their numbers', () => {
  expect(compareVersions('1.9', '1.24')).toBeLessThan(0);
  expect(compareVersions('1.51', '1.51')).toBe(0);
  expect(compareVersions('2.0', '1.51')).toBeGreaterThan(0);
});

test('errors of engines without codes get the one that fits the operation', () => {
  const code = (op: keyof typeof routes, status: number, message: string) =>
    errorFromReply({ op, route: routes[op] }, status, JSON.stringify({ message })).code;
  expect(code('containerInspect', 404, 'No such container: x')).toBe('CONTAINER_NOT_FOUND');
  expect(code('containerCreate', 404, 'No such image: x')).toBe('IMAGE_NOT_FOUND');
  expect(code('containerCreate', 409, 'Conflict')).toBe('NAME_IN_USE');
  expect(code('networkRemove', 403, 'has active endpoints')).toBe('IN_USE');
  expect(code('containerStart', 500, 'Bind for 0.0.0.0:80 failed: port is already allocated')).toBe('PORT_IN_USE');
  expect(code('containerStart', 400, 'exec: "x": executable file not found in $PATH')).toBe('COMMAND_NOT_FOUND');
  expect(code('systemInfo', 500, 'oh')).toBe('ENGINE_ERROR');
  const own = errorFromReply(
    { op: 'systemInfo', route: routes.systemInfo },
    500,
    '{"message":"m","code":"NO_SPACE","hint":"h"}',
  );
  expect(own).toMatchObject({ code: 'NO_SPACE', hint: 'h', message: 'm' });
  expect(code('systemInfo', 500, '').length).toBeGreaterThan(0);
});

test('bodies are checked to their leaves, null is "not given", unknown keys are let be', () => {
  const shape = bodyShapes.containerCreate;
  const good = { Image: 'a', Cmd: null, HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '1' }] } }, Extra: 1 };
  expect(misfit(good, shape)).toBeUndefined();
  expect(misfit({ HostConfig: { Ulimits: [{ Name: 'nofile', Soft: '1' }] } }, shape)).toBe(
    'HostConfig.Ulimits.0.Soft: must be a number',
  );
  expect(misfit({ NetworkingConfig: { EndpointsConfig: { net: { Aliases: 'a' } } } }, shape)).toBe(
    'NetworkingConfig.EndpointsConfig.net.Aliases: must be a list',
  );
  expect(misfit({ HostConfig: [] }, shape)).toBe('HostConfig: must be an object');
});

test('null is an empty text or object where it is an item, and "not given" where it is a field', () => {
  const shape = bodyShapes.containerCreate;
  const body = {
    Cmd: null,
    Env: [null],
    Labels: { a: null },
    HostConfig: { Mounts: [null], PortBindings: { p: null } },
  };
  settleNulls(body, shape);
  expect(body).toEqual({ Env: [''], Labels: { a: '' }, HostConfig: { Mounts: [{}], PortBindings: { p: null } } });
});
