import { expect, test } from '@jest/globals';
import { containerBody } from '../../../src/cli/container-body.ts';

const body = (flags: Record<string, string | number | boolean | string[]>) =>
  containerBody(flags, { image: 'busybox', command: [] }, { HOME: '/root', LANG: 'C' });

test('a port may name address, host port and protocol', () => {
  expect(body({ publish: ['127.0.0.1:8000:80', '53:53/udp', '9000'] }).HostConfig?.PortBindings).toEqual({
    '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8000' }],
    '53/udp': [{ HostIp: '', HostPort: '53' }],
    '9000/tcp': [{ HostIp: '', HostPort: '' }],
  });
});

test('ranges of ports are dealt out one to one', () => {
  expect(Object.entries(body({ publish: ['8000-8001:80-81'] }).HostConfig?.PortBindings ?? {})).toEqual([
    ['80/tcp', [{ HostIp: '', HostPort: '8000' }]],
    ['81/tcp', [{ HostIp: '', HostPort: '8001' }]],
  ]);
});

test.each(['99999:80', '80:0', 'http:80', '8000-8002:80-81'])('-p %s is refused', (spec) => {
  expect(() => body({ publish: [spec] })).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

test('a variable without a value is handed on from our environment, and left out where it is not set', () => {
  expect(body({ env: ['A=1', 'LANG', 'NOWHERE'] }).Env).toEqual(['A=1', 'LANG=C']);
});

test('a volume without a source is anonymous', () => {
  const { Volumes, HostConfig } = body({ volume: ['/data', 'cache:/cache:ro'] });
  expect([Volumes, HostConfig?.Binds]).toEqual([{ '/data': {} }, ['cache:/cache:ro']]);
});

test('--mount with an unknown key is refused by its name', () => {
  expect(() => body({ mount: ['type=bind,sauce=/a,target=/b'] })).toThrow(/"sauce"/);
});
