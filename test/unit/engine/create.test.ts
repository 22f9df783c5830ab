import { describe, expect, test } from '@jest/globals';
import { checkResources, checkRestartPolicy } from '../../../src/engine/check-limits.ts';
import { checkSupported } from '../../../src/engine/check-supported.ts';
import { checkedName, generateName } from '../../../src/engine/container-name.ts';
import type { ContainerRecord } from '../../../src/engine/container-record.ts';
import { commandOf, mergeConfig, mergeEnv, mergeProcessEnv } from '../../../src/engine/create-config.ts';
import { resolveMounts } from '../../../src/engine/create-mounts.ts';
import { resolveLinks } from '../../../src/engine/links.ts';
import { resolveEndpoints, resolvePorts } from '../../../src/engine/create-network.ts';
import { parseSignal, parseStopSignal } from '../../../src/engine/signals.ts';
import { checkSysctls } from '../../../src/engine/sysctls.ts';
import { resolveStepUser, resolveUser } from '../../../src/engine/users.ts';
import type { NetworkRecord } from '../../../src/network/types.ts';

const code = (action: () => unknown): string => {
  try {
    action();
    return 'none';
  } catch (error) {
    return String((error as { code?: string }).code);
  }
};
const noContainer = (): ContainerRecord => {
  throw new Error('no container');
};

describe('merging with the image', () => {
  const image = {
    Entrypoint: ['/entry'],
    Cmd: ['default'],
    Env: ['PATH=/bin', 'A=1'],
    Labels: { x: '1' },
    User: 'app',
  };

  test.each([
    [{}, ['/entry', 'default']],
    [{ Cmd: ['own'] }, ['/entry', 'own']],
    [{ Entrypoint: ['/own'] }, ['/own']],
    [{ Entrypoint: ['/own'], Cmd: ['a'] }, ['/own', 'a']],
    [{ Entrypoint: [''], Cmd: ['a'] }, ['a']],
  ])('%j runs %j', (body, expected) => {
    const { path, args } = commandOf(mergeConfig(body, image));
    expect([path, ...args]).toEqual(expected);
  });

  test('variables, labels and user come from both, the request before the image', () => {
    const config = mergeConfig({ Env: ['A=2', 'B=3'], Labels: { y: '2' } }, image);
    expect(config).toMatchObject({ Env: ['PATH=/bin', 'A=2', 'B=3'], Labels: { x: '1', y: '2' }, User: 'app' });
    expect(mergeEnv(['A=1'], ['A'])).toEqual(['A']);
    expect(mergeProcessEnv(['A=1'], ['A'])).toEqual([]);
    expect(code(() => mergeEnv([], ['A=x\0y']))).toBe('BAD_REQUEST');
    expect(code(() => commandOf(mergeConfig({}, {})))).toBe('BAD_REQUEST');
  });

  test('a health check keeps what the request leaves open', () => {
    const check = { Test: ['CMD', 'x'], Interval: 5, Retries: 7 };
    expect(mergeConfig({ Healthcheck: { Interval: 9 } }, { Healthcheck: check }).Healthcheck).toEqual({
      ...check,
      Interval: 9,
    });
    expect(mergeConfig({ Healthcheck: { Test: ['NONE'] } }, { Healthcheck: check }).Healthcheck?.Test).toEqual([
      'NONE',
    ]);
  });
});

const image = { id: `sha256:${'a'.repeat(64)}`, chain: [`sha256:${'b'.repeat(64)}`] } as const;
const mountsOf = (host: Parameters<typeof resolveMounts>[0], config: Parameters<typeof resolveMounts>[1]) =>
  resolveMounts(host, config, noContainer, () => image);

describe('mounts', () => {
  test('of every source are resolved, and a volume of the image fills only a free place', () => {
    const mounts = mountsOf(
      {
        Binds: ['/h:/a:ro,z', 'vol:/b:nocopy'],
        Mounts: [
          { Type: 'volume', Target: '/c/' },
          { Type: 'image', Source: 'i', Target: '/f', ImageOptions: { Subpath: 'bin' } },
        ],
        Tmpfs: { '/d': 'size=1m,exec' },
      },
      { Volumes: { '/a': {}, '/e': {} } },
    );
    expect(mounts.map(({ type, name, destination, readOnly }) => [type, name?.length, destination, readOnly])).toEqual([
      ['bind', undefined, '/a', true],
      ['volume', 3, '/b', false],
      ['volume', 64, '/c', false],
      ['image', 1, '/f', true],
      ['tmpfs', undefined, '/d', false],
      ['volume', 64, '/e', false],
    ]);
  });

  test.each(['/h', 'a:b', '/h:/:ro', '/h:/x:bad', 'vo/l:/x', '/h:/x:ro:y', '/h:/proc/sys'])('%s is refused', (bind) => {
    expect(code(() => mountsOf({ Binds: [bind] }, {}))).toBe('MOUNT_INVALID');
  });

  test.each([
    [
      { Type: 'bind', Source: '/a', Target: '/x', VolumeOptions: {} },
      'VolumeOptions must not be specified on mount type "bind"',
    ],
    [{ Type: 'tmpfs', Target: '/x', BindOptions: {} }, 'BindOptions must not be specified on mount type "tmpfs"'],
    [{ Type: 'volume', Target: '/x', TmpfsOptions: {} }, 'TmpfsOptions must not be specified on mount type "volume"'],
  ] as const)('options of another kind of mount are refused: %j', (mount, words) => {
    expect(() => mountsOf({ Mounts: [mount] }, {})).toThrow(words);
  });

  test('the same place twice is refused', () => {
    expect(code(() => mountsOf({ Binds: ['/a:/x', '/b:/x/'] }, {}))).toBe('MOUNT_INVALID');
  });
});

describe('networks and ports', () => {
  const pools = [{ subnet: '10.0.0.0/24', gateway: '10.0.0.1' }];
  const get = (name: string) => ({ name, id: `id-${name}`, driver: 'bridge', pools }) as unknown as NetworkRecord;

  test('the mode network comes first, others follow with their own settings', () => {
    const endpoints = resolveEndpoints(
      'networks',
      {
        host: { NetworkMode: 'front' },
        networking: {
          EndpointsConfig: { back: { Aliases: ['b'] }, front: { IPAMConfig: { IPv4Address: '10.0.0.9' } } },
        },
      },
      get,
    );
    expect(endpoints).toEqual([
      { network: 'front', aliases: [], ipv4Address: '10.0.0.9' },
      { network: 'back', aliases: ['b'] },
    ]);
    expect(resolveEndpoints('networks', { host: {}, networking: undefined }, get)[0]?.network).toBe('bridge');
  });

  test('bindings become ports, ranges keep their end, and publish-all adds what is exposed', () => {
    const host = {
      PortBindings: { '80/tcp': [{ HostPort: '8080' }], '53/udp': [{ HostIp: '127.0.0.1', HostPort: '9000-9010' }] },
    };
    expect(
      resolvePorts('networks', { ...host, PublishAllPorts: true }, { ExposedPorts: { '80': {}, '443/tcp': {} } }),
    ).toEqual([
      { protocol: 'tcp', containerPort: 80, hostAddress: '', hostPort: 8080 },
      { protocol: 'udp', containerPort: 53, hostAddress: '127.0.0.1', hostPort: 9000, hostPortEnd: 9010 },
      { protocol: 'tcp', containerPort: 443, hostAddress: '', hostPort: 0 },
    ]);
    for (const port of ['0/tcp', '65536', '80/icmp', 'x']) {
      expect(code(() => resolvePorts('networks', { PortBindings: { [port]: [{}] } }, {}))).toBe('BAD_REQUEST');
    }
    expect(code(() => resolvePorts('networks', { PortBindings: { '80': [{ HostPort: '90-80' }] } }, {}))).toBe(
      'BAD_REQUEST',
    );
  });
});

test('a range of exposed ports is as many ports', () => {
  const exposing = { ExposedPorts: { '9091-9092/udp': {}, '80-80': {} } };
  expect(resolvePorts('networks', { PublishAllPorts: true }, exposing)).toEqual([
    { protocol: 'udp', containerPort: 9091, hostAddress: '', hostPort: 0 },
    { protocol: 'udp', containerPort: 9092, hostAddress: '', hostPort: 0 },
    { protocol: 'tcp', containerPort: 80, hostAddress: '', hostPort: 0 },
  ]);
  for (const range of ['92-91', '1-70000', '1-2-3', '-5']) {
    expect(code(() => resolvePorts('networks', {}, { ExposedPorts: { [range]: {} } }))).toBe('BAD_REQUEST');
  }
});

test('an image may expose port 0, which cannot be published', () => {
  const exposing = { ExposedPorts: { '0/tcp': {}, '90/sctp': {} } };
  expect(resolvePorts('networks', {}, exposing)).toEqual([]);
  expect(code(() => resolvePorts('networks', { PublishAllPorts: true }, exposing))).toBe('BAD_REQUEST');
  expect(code(() => resolvePorts('networks', {}, { ExposedPorts: { '80/icmp': {} } }))).toBe('BAD_REQUEST');
});

test('what has no effect is refused by its name, what says nothing passes', () => {
  expect(() => checkSupported({ HostConfig: { StorageOpt: { size: '1G' } } }, 'crun')).toThrow('--storage-opt');
  expect(() => checkSupported({ HostConfig: { Runtime: 'kata' } }, 'crun')).toThrow('kata');
  expect(() => checkSupported({ HostConfig: { LogConfig: { Type: 'gelf' } } }, 'crun')).toThrow('gelf');
  expect(() => checkSupported({ HostConfig: { Annotations: { 'run.oci.hooks.stdout': '/x' } } }, 'crun')).toThrow(
    'run.oci',
  );
  expect(() =>
    checkSupported(
      { HostConfig: { BlkioWeight: 0, Links: null, Isolation: '', BlkioDeviceReadBps: [], Runtime: 'runc' } },
      'runc',
    ),
  ).not.toThrow();
});

test.each([
  [{ Memory: 1024 }],
  [{ Memory: 10_000_000, MemorySwap: 9_000_000 }],
  [{ NanoCpus: 1, CpuQuota: 1 }],
  [{ CpusetCpus: '0-999999999' }],
  [{ Ulimits: [{ Name: 'nofile', Soft: 2, Hard: 1 }] }],
])('limits %j are refused', (resources) => {
  expect(code(() => checkResources(resources))).toBe('BAD_REQUEST');
});

test('restart policies that contradict themselves are refused', () => {
  expect(code(() => checkRestartPolicy({ Name: 'always', MaximumRetryCount: 3 }, false))).toBe('BAD_REQUEST');
  expect(code(() => checkRestartPolicy({ Name: 'always' }, true))).toBe('BAD_REQUEST');
  expect(code(() => checkRestartPolicy({ Name: 'on-failure', MaximumRetryCount: 3 }, false))).toBe('none');
});

test('sysctls are those of the container’s own namespaces', () => {
  const own = { network: false, ipc: false };
  expect(code(() => checkSysctls({ 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '1' }, own))).toBe('none');
  expect(code(() => checkSysctls({ 'kernel.core_pattern': '|/x' }, own))).toBe('BAD_REQUEST');
  expect(code(() => checkSysctls({ 'net.x': '1' }, { network: true, ipc: false }))).toBe('BAD_REQUEST');
});

test('users are found by name and number, with groups as Docker gives them', () => {
  const databases = {
    passwd: 'root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n',
    group: 'root:x:0:\nextra:x:44:app,other\napp:x:1001:\n',
  };
  expect(resolveUser('', databases)).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: '/root' });
  expect(resolveUser('app', databases)).toEqual({
    uid: 1000,
    gid: 1001,
    additionalGids: [1001, 44],
    home: '/home/app',
  });
  expect(resolveUser('app:44', databases)).toMatchObject({ gid: 44, additionalGids: [44] });
  expect(resolveUser('5000', databases)).toMatchObject({ uid: 5000, gid: 0, home: '/' });
  expect(resolveUser('1000', databases, ['extra'])).toMatchObject({ uid: 1000, gid: 1001, additionalGids: [1001, 44] });
  for (const user of ['ghost', 'app:ghosts', '4294967295'])
    expect(code(() => resolveUser(user, databases))).toBe('BAD_REQUEST');
});

test('a number is never the name of a user, and lines of account files may be ragged', () => {
  const databases = { passwd: '123:x:55:66::/odd:\n  short:x:57\n', group: '7:x:88:\n' };
  expect(resolveUser('123:7', databases)).toMatchObject({ uid: 123, gid: 7, home: '/' });
  expect(resolveUser('+55', databases)).toMatchObject({ uid: 55, gid: 66, home: '/odd' });
  expect(resolveUser('short', databases)).toMatchObject({ uid: 57, gid: 0, home: '' });
});

test('a step of a build needs account files for everything but two numbers', () => {
  const without = { passwd: undefined, group: undefined };
  expect(resolveStepUser('', without)).toMatchObject({ uid: 0, gid: 0 });
  expect(resolveStepUser('5:6', without)).toMatchObject({ uid: 5, gid: 6 });
  for (const user of ['5', 'root', 'app:6']) expect(code(() => resolveStepUser(user, without))).toBe('BAD_REQUEST');
  const passwd = 'app:x:1000:1001::/home/app:/bin/sh\n';
  expect(resolveStepUser('5', { passwd, group: undefined })).toMatchObject({ uid: 5, gid: 0 });
  expect(code(() => resolveStepUser('app', { passwd, group: undefined }))).toBe('BAD_REQUEST');
});

test('names are checked and generated', () => {
  expect(checkedName('/web-1')).toBe('web-1');
  for (const name of ['', 'a', '-x', 'a/b', 'ä1']) expect(code(() => checkedName(name))).toBe('BAD_REQUEST');
  const taken = new Set<string>();
  for (let count = 0; count < 200; count++) taken.add(generateName((name) => taken.has(name)));
  expect(taken.size).toBe(200);
  for (const name of taken) expect(checkedName(name)).toBe(name);
});

test('signals are names and numbers', () => {
  expect(['SIGTERM', 'hup', '9', 'SIGRTMIN+3'].map(parseSignal)).toEqual([15, 1, 9, 37]);
  for (const signal of ['SIGWHAT', '0', '65', '']) expect(code(() => parseSignal(signal))).toBe('BAD_REQUEST');
  expect(['65', '-5', 'TERM', 'CLD'].map(parseStopSignal)).toEqual([undefined, undefined, 15, 17]);
  for (const signal of ['SIGWHAT', '0', '']) expect(code(() => parseStopSignal(signal))).toBe('BAD_REQUEST');
});

test('a link may name a container that comes later, on a network of the user alone', () => {
  expect(resolveLinks({ NetworkMode: 'mine', Links: ['later:alias'] }, () => undefined)).toEqual([]);
  for (const NetworkMode of ['', 'bridge', 'default'])
    expect(() => resolveLinks({ NetworkMode, Links: ['later:alias'] }, () => undefined)).toThrow(
      'No such container: later',
    );
});
