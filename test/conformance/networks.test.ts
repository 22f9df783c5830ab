import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { hasIPv6 } from '../../src/host/netns-sockets.ts';
import { describeSessions, type SessionEngine } from './sessions.ts';

const bridge = 'com.docker.network.bridge.';
const endpoint = 'com.docker.network.endpoint.';
const pool = (...Config: object[]) => ({ IPAM: { Driver: 'default', Config } });
const four = { Subnet: '198.18.91.0/24' };
const six = { Subnet: '2001:db8:91::/64' };

/** A network that cannot be made: the status (0: any of a failure), and words that clients and people know. */
const mistakes: readonly (readonly [body: object, status: number, words: string])[] = [
  [{ EnableIPv4: false }, 400, 'IPv4 or IPv6 must be enabled'],
  [pool({ Subnet: '198.18.91.5/24' }), 400, 'invalid subnet 198.18.91.5/24: it should be 198.18.91.0/24'],
  [pool({ Subnet: '198.18.91.0/33' }), 400, 'invalid subnet 198.18.91.0/33: invalid CIDR block notation'],
  [pool({ ...four, IPRange: '198.18.0.0/16' }), 400, 'CIDR block is bigger than its parent subnet 198.18.91.0/24'],
  [
    pool({ ...four, Gateway: '198.19.0.1', AuxiliaryAddresses: { a: 'x' } }),
    400,
    "* invalid gateway 198.19.0.1: parent subnet 198.18.91.0/24 doesn't contain this address\n* invalid auxiliary address a: invalid address",
  ],
  [
    pool({ ...four, Gateway: '198.18.91.255' }),
    0,
    'failed to allocate gateway (198.18.91.255): Address already in use',
  ],
  [{ EnableIPv6: true, ...pool({ Subnet: 'fe80::/80' }) }, 400, "clashes with the Link-Local prefix 'fe80::/64'"],
  [{ IPAM: { Driver: 'null' } }, 400, 'ipv4 pool is empty'],
  [
    { IPAM: { Driver: 'null', Config: [four] } },
    400,
    'null ipam driver does not handle specific address pool requests',
  ],
  [{ Options: { [`${bridge}gateway_mode_ipv4`]: 'open' } }, 400, '(unknown gateway mode open)'],
  [
    { Options: { [`${bridge}gateway_mode_ipv6`]: 'isolated' } },
    0,
    "'isolated' can only be used for an internal network",
  ],
  [{ Options: { 'com.docker.network.enable_ipv6': 'x' } }, 400, '"com.docker.network.enable_ipv6" is not a valid bool'],
];

describeSessions('networks by the API', '', (open) => {
  let engine: SessionEngine;
  const made: string[] = [];
  beforeAll(() => {
    engine = open();
  });
  afterEach(async () => {
    for (const path of made.splice(0).reverse()) await ask(`DELETE ${path}`);
  });
  afterAll(() => engine.dispose());

  const ask = async (call: string, body: object = {}): Promise<{ status: number; said: string }> => {
    const [method, path] = call.split(' ');
    const headers = { 'Content-Type': 'application/json' };
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: engine.socketPath, method, path, headers }, (answer) => {
        text(answer).then((said) => resolve({ status: answer.statusCode ?? 0, said }), reject);
      });
      asked.on('error', reject).end(method === 'POST' ? JSON.stringify(body) : undefined);
    });
  };
  const done = async (call: string, body: object = {}) => {
    const { status, said } = await ask(call, body);
    if (status >= 300) throw new Error(`${call}: ${status} ${said}`);
    return said === '' ? {} : JSON.parse(said);
  };
  const name = (own: string) => `${engine.prefix}-${own}`;
  const network = async (own: string, body: object = {}) => {
    await done('POST /networks/create', { Name: name(own), ...body });
    made.push(`/networks/${name(own)}`);
    return done(`GET /networks/${name(own)}`);
  };
  const container = async (
    networks: Readonly<Record<string, object>>,
    body: { HostConfig?: object; ExposedPorts?: object } = {},
  ) => {
    const EndpointsConfig = Object.fromEntries(Object.entries(networks).map(([own, end]) => [name(own), end]));
    const HostConfig = { NetworkMode: name(Object.keys(networks)[0] ?? ''), ...body.HostConfig };
    const asked = {
      Image: 'busybox',
      Cmd: ['sleep', '600'],
      ...body,
      HostConfig,
      NetworkingConfig: { EndpointsConfig },
    };
    const { Id } = await done('POST /containers/create', asked);
    made.push(`/containers/${Id}?force=1`);
    return Id as string;
  };
  const started = async (...asked: Parameters<typeof container>) => {
    const id = await container(...asked);
    await done(`POST /containers/${id}/start`);
    return { id, ...(await done(`GET /containers/${id}/json`)) };
  };
  /** What a command prints in a container. */
  const printed = async (id: string, ...Cmd: string[]) => {
    const { Id } = await done(`POST /containers/${id}/exec`, { Cmd, Tty: true, AttachStdout: true });
    return (await ask(`POST /exec/${Id}/start`, { Tty: true })).said;
  };
  const defaults = async (id: string) => {
    const text = `${await printed(id, 'ip', 'route')}${await printed(id, 'ip', '-6', 'route')}`;
    return [...text.matchAll(/^default via (\S+)/gm)].map(([, gateway]) => gateway);
  };

  test('a scope is told as it was given, and found by; that of a swarm needs one', async () => {
    expect(await network('far', { Scope: 'global' })).toMatchObject({ Scope: 'global', Driver: 'bridge' });
    const filters = encodeURIComponent(JSON.stringify({ scope: ['global'], name: [name('far')] }));
    expect(await done(`GET /networks?filters=${filters}`)).toHaveLength(1);
    const refused = await ask('POST /networks/create', { Name: name('wrong'), Scope: 'swarm' });
    expect(refused).toMatchObject({ status: 403, said: expect.stringContaining('when swarm is not active') });
  });

  test.each(mistakes)('%j is refused with %d: %s', async (body, status, words) => {
    const answer = await ask('POST /networks/create', { Name: name('wrong'), ...body });
    if (answer.status < 300) made.push(`/networks/${name('wrong')}`);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    if (status !== 0) expect(answer.status).toBe(status);
    expect(answer.said).toContain(JSON.stringify(words).slice(1, -1));
  });

  test('two networks cannot have one subnet', async () => {
    await network('first', pool(four));
    const second = await ask('POST /networks/create', { Name: name('second'), ...pool(four) });
    expect(second).toEqual({
      status: 403,
      said: expect.stringContaining('invalid pool request: Pool overlaps with other one on this address space'),
    });
  });

  test('a network tells of subnets in the family that it lacks, and of options as they were given', async () => {
    const told = await network('net', { IPAM: { Driver: 'default', Options: {}, Config: [six, four] } });
    expect(told).toMatchObject({ EnableIPv4: true, EnableIPv6: false, IPAM: { Options: {}, Config: [four, six] } });
    const other = await network('other', { Options: { 'com.docker.network.enable_ipv6': 'true' } });
    expect(other).toMatchObject({ EnableIPv6: true, IPAM: { Options: null } });
  });

  (hasIPv6() ? test : test.skip)(
    'a network with IPv6 alone gives that alone, and publishes ports in it alone',
    async () => {
      expect(await network('six', { EnableIPv4: false, EnableIPv6: true, ...pool(six) })).toMatchObject({
        EnableIPv4: false,
        EnableIPv6: true,
        IPAM: { Config: [six] },
      });
      const PortBindings = { '80/tcp': [{}], '81/tcp': [{ HostIp: '127.0.0.1' }] };
      const { id, NetworkSettings } = await started(
        { six: {} },
        { HostConfig: { PortBindings }, ExposedPorts: { '80/tcp': {}, '81/tcp': {} } },
      );
      expect(NetworkSettings.Networks[name('six')]).toMatchObject({
        IPAddress: '',
        IPPrefixLen: 0,
        Gateway: '',
        GlobalIPv6Address: '2001:db8:91::2',
        IPv6Gateway: '2001:db8:91::1',
      });
      expect(NetworkSettings.Ports['80/tcp']).toEqual([{ HostIp: '::', HostPort: expect.stringMatching(/^\d+$/) }]);
      expect(NetworkSettings.Ports['81/tcp'] ?? null).toBeNull();
      expect(await printed(id, 'cat', '/etc/hosts')).toMatch(/^2001:db8:91::2\t/m);
      expect(await defaults(id)).toEqual(['2001:db8:91::1']);
    },
  );

  (hasIPv6() ? test : test.skip)(
    'a container has a way out by each family, and by the network of most priority',
    async () => {
      await network('a', pool(four));
      await network('six', { EnableIPv4: false, EnableIPv6: true, ...pool(six) });
      await network('b', pool({ Subnet: '198.18.92.0/24' }));
      const { id } = await started({ b: {}, a: {}, six: {} });
      expect(await defaults(id)).toEqual(['198.18.91.1', '2001:db8:91::1']);
      await done(`POST /networks/${name('b')}/disconnect`, { Container: id });
      await done(`POST /networks/${name('b')}/connect`, { Container: id, EndpointConfig: { GwPriority: 1 } });
      expect(await defaults(id)).toEqual(['198.18.92.1', '2001:db8:91::1']);
      await done(`POST /networks/${name('six')}/disconnect`, { Container: id });
      expect(await defaults(id)).toEqual(['198.18.92.1']);
    },
  );

  test('ports of a network that is routed to have no number on the host', async () => {
    await network('routed', { Options: { [`${bridge}gateway_mode_ipv4`]: 'routed' }, ...pool(four) });
    const PortBindings = { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18080' }] };
    const { id, NetworkSettings } = await started(
      { routed: {} },
      { HostConfig: { PortBindings }, ExposedPorts: { '80/tcp': {} } },
    );
    expect(NetworkSettings.Ports).toEqual({ '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '' }] });
    const filters = encodeURIComponent(JSON.stringify({ id: [id] }));
    const [{ Ports }] = await done(`GET /containers/json?filters=${filters}`);
    expect(Ports).toEqual([{ IP: '0.0.0.0', PrivatePort: 80, Type: 'tcp' }]);
  });

  test('an internal network has no gateway to tell of, and no ports', async () => {
    await network('inside', { Internal: true });
    const { NetworkSettings } = await started({ inside: {} }, { HostConfig: { PortBindings: { '80/tcp': [{}] } } });
    expect(NetworkSettings.Ports).toEqual({});
    expect(NetworkSettings.Networks[name('inside')].Gateway).toBe('');
  });

  test('what an end of a network cannot have is refused where it is asked for, of stopped containers, too', async () => {
    await network('own', pool(four));
    await network('chosen');
    const id = await container({ own: {} });
    const connect = (EndpointConfig: object) =>
      ask(`POST /networks/${name('chosen')}/connect`, { Container: id, EndpointConfig });
    const says = (status: number, words: string) => ({ status, said: expect.stringContaining(words) });
    expect(await connect({ IPAMConfig: { IPv4Address: '198.18.0.9' } })).toEqual(
      says(400, 'user specified IP address is supported only when connecting to networks with user configured subnets'),
    );
    expect(await connect({ DriverOpts: { [`${endpoint}sysctls`]: 'kernel.x=1' } })).toEqual(
      says(400, "unrecognised network interface sysctl 'kernel.x=1'"),
    );
    const create = { Image: 'busybox', HostConfig: { NetworkMode: name('own') } };
    const EndpointsConfig = { [name('own')]: { IPAMConfig: { IPv4Address: '198.19.0.9' } } };
    expect(await ask('POST /containers/create', { ...create, NetworkingConfig: { EndpointsConfig } })).toEqual(
      says(400, `invalid config for network ${name('own')}: invalid endpoint settings:\\nno configured subnet`),
    );
  });

  test('settings of one link are made, as the CLI writes them, and missing ones refused', async () => {
    await network('own', pool(four));
    const { id } = await started({
      own: {
        DriverOpts: { [`${endpoint}sysctls`]: 'net.ipv4.conf.ifname.log_martians=1', [`${endpoint}ifname`]: 'lan7' },
      },
    });
    expect((await printed(id, 'cat', '/proc/sys/net/ipv4/conf/lan7/log_martians')).trim()).toBe('1');
    await network('more');
    const EndpointConfig = { DriverOpts: { [`${endpoint}sysctls`]: 'net.ipv4.conf.IFNAME.nosuch=1' } };
    const refused = await ask(`POST /networks/${name('more')}/connect`, { Container: id, EndpointConfig });
    expect(refused.said).toContain('/nosuch is not a sysctl file');
  });

  test('a container without IPv6 has none on its networks, and its hardware address is told', async () => {
    await network('dual', { EnableIPv6: true, ...pool(four, six) });
    const Sysctls = { 'net.ipv6.conf.all.disable_ipv6': '1' };
    const mac = '02:11:22:33:44:55';
    const { NetworkSettings, Config } = await started({ dual: { MacAddress: mac } }, { HostConfig: { Sysctls } });
    expect(NetworkSettings.Networks[name('dual')]).toMatchObject({ MacAddress: mac, GlobalIPv6Address: '' });
    expect(Config.MacAddress).toBe(mac);
  });

  test('a client of before 1.48 cannot leave IPv4 out, and knows no firewalls', async () => {
    await done('POST /v1.47/networks/create', { Name: name('old'), EnableIPv4: false });
    made.push(`/networks/${name('old')}`);
    expect((await done(`GET /networks/${name('old')}`)).EnableIPv4).toBe(true);
    expect(await done('GET /v1.48/info')).not.toHaveProperty('FirewallBackend');
  });

  test('who has read the output of a container to its end is told its exit code', async () => {
    for (const code of [3, 4, 5, 6]) {
      const { Id } = await done('POST /containers/create', { Image: 'busybox', Cmd: ['sh', '-c', `exit ${code}`] });
      made.push(`/containers/${Id}?force=1`);
      const ended = ask(`POST /containers/${Id}/attach?stream=1&stdout=1&stderr=1`);
      await done(`POST /containers/${Id}/start`);
      await ended;
      expect((await done(`GET /containers/${Id}/json`)).State).toMatchObject({ Running: false, ExitCode: code });
    }
  });
});
