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

test('devices by the names of their vendors, and GPUs, are requests beside the nodes of the host', () => {
  const { HostConfig } = body({
    device: ['/dev/null:/dev/x', 'vendor.com/gadget=one'],
    gpus: '"device=0,1",capabilities=utility',
  });
  expect(HostConfig?.Devices).toEqual([
    { PathOnHost: '/dev/null', PathInContainer: '/dev/x', CgroupPermissions: 'rwm' },
  ]);
  expect(HostConfig?.DeviceRequests).toEqual([
    { Driver: '', Count: 0, DeviceIDs: ['0', '1'], Capabilities: [['utility', 'gpu']] },
    { Driver: 'cdi', DeviceIDs: ['vendor.com/gadget=one'] },
  ]);
  expect(body({ gpus: 'all' }).HostConfig?.DeviceRequests).toEqual([
    { Driver: '', Count: -1, Capabilities: [['gpu']] },
  ]);
});

test('several networks are joined, each with what is said about it', () => {
  const { HostConfig, NetworkingConfig } = body({
    network: ['front', 'name=back,alias=db,ip=10.0.0.5,driver-opt=a=b,gw-priority=1'],
    'network-alias': ['web'],
    ip6: 'fd00::5',
  });
  expect(HostConfig?.NetworkMode).toBe('front');
  expect(NetworkingConfig?.EndpointsConfig).toEqual({
    front: { Aliases: ['web'], IPAMConfig: { IPv6Address: 'fd00::5' } },
    back: { Aliases: ['db'], IPAMConfig: { IPv4Address: '10.0.0.5' }, DriverOpts: { a: 'b' }, GwPriority: 1 },
  });
  expect(() => body({ network: ['a', 'a'] })).toThrow('multiple times');
});

test('limits of block devices have their paths and rates', () => {
  const { HostConfig } = body({
    ...{ 'blkio-weight': 20, 'device-read-bps': ['/dev/sda:1mb'], 'device-write-iops': ['/dev/sda:50'] },
    ...{ 'device-cgroup-rule': ['c 1:3 rwm'], 'memory-swappiness': 10, cgroupns: 'host', link: ['db:data'] },
  });
  expect(HostConfig).toMatchObject({
    BlkioWeight: 20,
    BlkioDeviceReadBps: [{ Path: '/dev/sda', Rate: 1048576 }],
    BlkioDeviceWriteIOps: [{ Path: '/dev/sda', Rate: 50 }],
    DeviceCgroupRules: ['c 1:3 rwm'],
    MemorySwappiness: 10,
    CgroupnsMode: 'host',
    Links: ['db:data'],
  });
});

test('systempaths=unconfined hides no path and makes none read-only', () => {
  const { HostConfig } = body({ 'security-opt': ['systempaths=unconfined', 'no-new-privileges'] });
  expect(HostConfig).toMatchObject({ SecurityOpt: ['no-new-privileges'], MaskedPaths: [], ReadonlyPaths: [] });
});
