import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newId, shortId } from '../../../src/common/id.ts';
import { silentLog } from '../../../src/common/log.ts';
import type { ObjectStore } from '../../../src/common/object-store.ts';
import { withNetlink } from '../../../src/host/netlink.ts';
import { createVeth, deleteLink, findLink, listLinks, setLink } from '../../../src/host/netlink-links.ts';
import { addAddress, listAddresses, setDefaultRoute } from '../../../src/host/netlink-routes.ts';
import { createNetns, listNetns, removeNetns } from '../../../src/host/netns.ts';
import { hasTransport } from '../../../src/host/netns-sockets.ts';
import { nft } from '../../../src/host/nft.ts';
import { createNetworks } from '../../../src/network/networks.ts';
import type { EndpointRequest, Networks, PublishedPort, SandboxState } from '../../../src/network/types.ts';
import {
  aMoment,
  ask,
  askByTcp,
  bridgeRequest,
  echoUdp,
  enterPrivateHost,
  eventually,
  greet,
  hear,
  hearUdp,
  memoryStore,
  type PrivateHost,
  serveNames,
} from './support.ts';

const root = process.getuid?.() === 0;
const scope = 'e2e0ab12';

(root ? describe : describe.skip)('networks of a private host (needs root)', () => {
  let host: PrivateHost;
  let store: ObjectStore;
  let networks: Networks;
  const closers: (() => void)[] = [];
  const open = () =>
    createNetworks({
      store,
      roots: { dataRoot: host.directory, execRoot: join(host.directory, 'run'), scope },
      log: silentLog,
      healIntervalMs: 300,
    });

  beforeEach(async () => {
    host = enterPrivateHost();
    withNetlink(undefined, (netlink) => netlink.send(setLink('lo', { up: true })));
    store = memoryStore();
    networks = await open();
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    await networks.close({ removeAll: true });
    const left = withNetlink(undefined, listLinks).filter((link) => link.kind !== '');
    const rules = nft('list ruleset');
    host.leave();
    expect(left).toEqual([]);
    expect(rules).not.toContain('iechor');
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(host.directory);
  });

  const network = (name: string, extra: object = {}) => networks.create({ ...bridgeRequest(name), ...extra });
  const start = (
    name: string,
    on: readonly (string | EndpointRequest)[],
    ports: readonly PublishedPort[] = [],
    id = newId(),
  ) =>
    networks
      .up({
        containerId: id,
        containerName: name,
        endpoints: on.map((one) => (typeof one === 'string' ? { network: one, aliases: [] } : one)),
        ports,
        dns: { servers: [], search: [], options: [] },
      })
      .then((state) => ({ id, ...state }));
  const serve = (state: SandboxState, port: number, words: string) => {
    const server = greet(state.netns, port, words);
    closers.push(() => server.close());
  };
  const addressOf = (state: SandboxState) => state.endpoints[0]?.ipv4Address ?? '';
  const port = (hostPort: number, containerPort: number, extra: Partial<PublishedPort> = {}): PublishedPort => ({
    protocol: 'tcp',
    hostAddress: '',
    hostPort,
    containerPort,
    ...extra,
  });

  test('containers of one network reach one another by name, alias and short id, and those of another do not', async () => {
    await network('front');
    await network('back');
    const web = await start('web', ['front']);
    const one = await start('api-1', [{ network: 'front', aliases: ['api'] }]);
    const two = await start('api-2', [{ network: 'front', aliases: ['API'] }]);
    const other = await start('db', ['back']);
    serve(one, 80, 'one');
    serve(other, 80, 'db');
    expect(await ask(web.netns, 'api-1')).toEqual([addressOf(one)]);
    expect(await ask(web.netns, shortId(one.id))).toEqual([addressOf(one)]);
    expect(new Set(await ask(web.netns, 'Api'))).toEqual(new Set([addressOf(one), addressOf(two)]));
    expect(await askByTcp(web.netns, 'api-1')).toEqual([addressOf(one)]);
    expect(await ask(web.netns, 'api-1', 'AAAA')).toEqual([]);
    const reversed = addressOf(one).split('.').reverse().join('.');
    expect(await ask(web.netns, `${reversed}.in-addr.arpa`, 'PTR')).toEqual(['api-1.front']);
    expect(await ask(web.netns, 'host.docker.internal')).toEqual([web.endpoints[0]?.gateway]);
    expect(await ask(web.netns, 'db')).not.toEqual([addressOf(other)]);
    expect(await hear(web.netns, addressOf(one), 80)).toContain('one');
    expect(await hear(web.netns, addressOf(other), 80, aMoment)).toBe('TIMEOUT');
    expect(web.resolvConf).toContain('nameserver 127.0.0.11');
  });

  test('a configuration is no network itself, and stays while one depends on it', async () => {
    const pools = [{ subnet: '10.219.0.0/24' }];
    const options = { 'com.docker.network.container_iface_prefix': 'net' };
    await network('config', { configOnly: true, pools, options });
    await expect(start('web', ['config'])).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(network('front', { configFrom: 'config', pools })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(network('front', { configFrom: 'nosuch' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await network('front', { configFrom: 'config' });
    const web = await start('web', ['front']);
    expect(web.endpoints[0]).toMatchObject({ ipv4Address: '10.219.0.2', interfaceName: 'net0' });
    await expect(networks.remove('config')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await networks.down(web.id);
    await networks.remove('front');
    await networks.remove('config');
    expect(networks.list().map(({ name }) => name)).toEqual(['bridge', 'host', 'none']);
  });

  test('the host is not in an isolated network, whose containers reach one another', async () => {
    const options = { 'com.docker.network.bridge.gateway_mode_ipv4': 'isolated' };
    await expect(network('alone', { options })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    const { bridge } = await network('alone', { options, internal: true });
    const web = await start('web', ['alone']);
    const db = await start('db', ['alone']);
    serve(db, 80, 'db');
    const index = withNetlink(undefined, (netlink) => findLink(netlink, bridge))?.index;
    const addresses = withNetlink(undefined, listAddresses).filter(({ linkIndex }) => linkIndex === index);
    expect(addresses.filter(({ address }) => address.includes('.'))).toEqual([]);
    expect(await hear(web.netns, addressOf(db), 80)).toContain('db');
    expect(await ask(web.netns, 'db')).toEqual([addressOf(db)]);
  });

  test('an SCTP port is published, or refused where the kernel has none', async () => {
    await network('front');
    const published = start('web', ['front'], [port(8080, 80, { protocol: 'sctp' })]);
    if (hasTransport('sctp')) {
      await published;
      expect(nft('list ruleset')).toContain('sctp . 8080');
    } else {
      await expect(published).rejects.toMatchObject({ code: 'HOST_UNSUPPORTED' });
    }
  });

  test('a published port is reached from 127.0.0.1, the host, another container and its own network', async () => {
    await network('front');
    await network('back');
    const web = await start(
      'web',
      ['front'],
      [port(8080, 80), port(5353, 53, { protocol: 'udp' }), port(8081, 80, { hostAddress: '127.0.0.1' })],
    );
    const near = await start('near', ['front']);
    const far = await start('far', ['back']);
    serve(web, 80, 'web');
    closers.push(echoUdp(web.netns, 53));
    const gateway = web.endpoints[0]?.gateway ?? '';
    expect(await hear(undefined, '127.0.0.1', 8080)).toContain('web');
    expect(await hear(undefined, '127.0.0.1', 8081)).toContain('web');
    expect(await hear(undefined, gateway, 8080)).toContain('web');
    expect(await hear(near.netns, gateway, 8080)).toContain('web');
    expect(await hear(web.netns, gateway, 8080)).toContain('web');
    expect(await hear(far.netns, far.endpoints[0]?.gateway ?? '', 8080)).toContain('web');
    expect(await hear(far.netns, far.endpoints[0]?.gateway ?? '', 8081)).toBe('ECONNREFUSED');
    expect(await hear(far.netns, addressOf(web), 80, aMoment)).toBe('TIMEOUT');
    expect(await hearUdp(undefined, '127.0.0.1', 5353)).toBe('echo hello');
    await networks.down(web.id);
    expect(await hear(undefined, '127.0.0.1', 8080)).toBe('ECONNREFUSED');
  });

  test('a published port that is taken is refused with the name of its holder', async () => {
    const onFront = [{ network: 'front', aliases: [] }];
    await network('front');
    const web = await start('web', ['front'], [port(8080, 80)]);
    await expect(
      networks.checkPorts(newId(), [port(8080, 90, { hostAddress: '127.0.0.1' })], onFront),
    ).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining('container "web"'),
    });
    await expect(start('other', ['front'], [port(8080, 80)])).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    await expect(networks.checkPorts(web.id, [port(8080, 80)], onFront)).resolves.toBeUndefined();
    const server = createServer().listen(8090, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    await expect(networks.checkPorts(newId(), [port(8090, 80)], onFront)).rejects.toMatchObject({
      message: expect.stringContaining(`process ${process.pid} (`),
    });
    server.close();
    // No other process can take it either.
    const foreign = createServer();
    const failure = new Promise((resolve) =>
      foreign.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
    );
    foreign.listen(8080, '0.0.0.0');
    expect(await failure).toBe('EADDRINUSE');
    const chosen = await start('free', ['front'], [port(0, 80)]);
    expect(chosen.ports[0]?.hostPort).toBeGreaterThan(1024);
  });

  test('of two containers that race for a port one wins, and nothing is left of the other', async () => {
    await network('front');
    const results = await Promise.allSettled(['one', 'two'].map((name) => start(name, ['front'], [port(8080, 80)])));
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(listNetns(join(host.directory, 'run', 'netns')).length).toBe(1);
    expect(networks.endpointsOn(networks.get('front').id).length).toBe(1);
  });

  test('an internal network has its names, but no way out, and leads no query outside', async () => {
    await network('inside', { internal: true });
    const a = await start('a', ['inside']);
    const b = await start('b', ['inside']);
    serve(b, 80, 'b');
    expect(await hear(a.netns, (await ask(a.netns, 'b'))[0] ?? '', 80)).toContain('b');
    expect(await ask(a.netns, 'example.com')).toBe('SERVFAIL');
    expect(await hear(a.netns, '192.0.2.9', 80)).toBe('ENETUNREACH');
  });

  test('traffic to the outside passes where another firewall drops what is forwarded, with our address', async () => {
    nft(`add table ip filter
add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }
add chain ip filter DOCKER-USER
add rule ip filter FORWARD jump DOCKER-USER
`);
    const outside = join(host.directory, 'outside');
    createNetns(outside);
    closers.push(() => removeNetns(outside));
    outsideLink(outside);
    await network('front');
    const web = await start('web', ['front'], [port(8080, 80)]);
    const near = await start('near', ['front']);
    serve(web, 80, 'web');
    const server = greet(outside, 80, 'outside');
    closers.push(() => server.close());
    expect(await hear(web.netns, '198.51.100.2', 80)).toBe('outside 198.51.100.1');
    expect(await hear(outside, '198.51.100.1', 8080)).toBe('web 198.51.100.2');
    expect(await hear(near.netns, addressOf(web), 80)).toContain('web');
    // Straight to the container's address, round the published port.
    expect(await hear(outside, addressOf(web), 80, aMoment)).toBe('TIMEOUT');
    expect(nft('list chain ip filter DOCKER-USER')).toContain(`comment "iechor ${scope}"`);
    closers.push(() => withNetlink(undefined, (netlink) => netlink.send(deleteLink('outside0'))));
  });

  test('recovery restores links and rules that were deleted behind our back, and removes what has no record', async () => {
    await network('front');
    const web = await start('web', ['front'], [port(8080, 80)]);
    const near = await start('near', ['front']);
    const dead = await start('dead', ['front']);
    serve(web, 80, 'web');
    await networks.close({ removeAll: false });
    withNetlink(undefined, (netlink) => {
      const ours = listLinks(netlink).filter((link) => link.kind !== '');
      netlink.send(...ours.map((link) => deleteLink(link.name)));
    });
    nft(`delete table inet iechor-${scope}`);
    const stray = join(host.directory, 'run', 'netns', 'stray');
    createNetns(stray);
    networks = await open();
    await networks.recover(new Set([web.id, near.id]));
    expect(await ask(near.netns, 'web')).toEqual([addressOf(web)]);
    expect(await hear(near.netns, addressOf(web), 80)).toContain('web');
    expect(await hear(undefined, '127.0.0.1', 8080)).toContain('web');
    expect(networks.endpointsOf(dead.id)).toEqual([]);
    expect(listNetns(join(host.directory, 'run', 'netns')).length).toBe(2);
  });

  test('links and bridges that were deleted while everything runs come back', async () => {
    await network('front');
    const web = await start('web', ['front'], [port(8080, 80)]);
    serve(web, 80, 'web');
    const front = networks.get('front').bridge;
    const veth = withNetlink(undefined, listLinks).find(({ kind }) => kind === 'veth')?.name ?? '';
    for (const link of [front, veth]) {
      withNetlink(undefined, (netlink) => netlink.send(deleteLink(link)));
      await eventually(async () => (await hear(undefined, '127.0.0.1', 8080, aMoment)).includes('web'));
    }
  });

  test('a container is connected to and disconnected from networks while it runs', async () => {
    await network('aaa');
    await network('bbb');
    const web = await start('web', ['bbb'], [port(8080, 80)]);
    const db = await start('db', ['aaa']);
    serve(web, 80, 'web');
    serve(db, 80, 'db');
    const endpoint = await networks.connect(web.id, 'web', { network: 'aaa', aliases: ['www'] });
    expect(endpoint.interfaceName).toBe('eth1');
    expect(await ask(db.netns, 'www')).toEqual([endpoint.ipv4Address]);
    expect(await hear(web.netns, addressOf(db), 80)).toContain('db');
    expect(await hear(undefined, '127.0.0.1', 8080)).toContain('web');
    await networks.rename(web.id, 'shop');
    expect(await ask(db.netns, 'shop')).toEqual([endpoint.ipv4Address]);
    expect(await ask(db.netns, 'web')).not.toEqual([endpoint.ipv4Address]);
    await networks.disconnect(web.id, 'aaa');
    await networks.disconnect(web.id, 'aaa');
    expect(await ask(db.netns, 'shop')).not.toEqual([endpoint.ipv4Address]);
    expect(await hear(undefined, '127.0.0.1', 8080)).toContain('web');
    await expect(networks.remove('bbb')).rejects.toMatchObject({
      code: 'IN_USE',
      message: expect.stringContaining('"shop"'),
    });
  });

  test('ports are published once a container is on a network that leads outside, and not any longer', async () => {
    await network('inside', { internal: true });
    await network('front');
    const web = await start('web', ['inside'], [port(8080, 80), port(0, 80)]);
    serve(web, 80, 'web');
    expect(networks.publishedBy(web.id)).toEqual([]);
    await networks.connect(web.id, 'web', { network: 'front', aliases: [] });
    const ports = networks.publishedBy(web.id).map(({ hostPort }) => hostPort);
    for (const number of new Set(ports)) expect(await hear(undefined, '127.0.0.1', number)).toContain('web');
    expect(ports[0]).toBe(8080);
    await networks.disconnect(web.id, 'front');
    expect(networks.publishedBy(web.id)).toEqual([]);
    expect(await hear(undefined, '127.0.0.1', 8080)).toBe('ECONNREFUSED');
    expect(await hear(undefined, '::1', 8080)).toBe('ECONNREFUSED');
  });

  test('a container asks its own name servers, those on its own loopback address too', async () => {
    await network('front');
    const id = newId();
    const { netns } = await networks.up({
      containerId: id,
      containerName: 'web',
      endpoints: [{ network: 'front', aliases: [] }],
      ports: [],
      dns: { servers: ['127.0.0.1'], search: [], options: [] },
    });
    closers.push(serveNames(netns, 53, '192.0.2.77'));
    expect(await ask(netns, 'example.com')).toEqual(['192.0.2.77']);
  });

  test('rules that somebody flushed come back', async () => {
    await network('front');
    const web = await start('web', ['front'], [port(8080, 80)]);
    serve(web, 80, 'web');
    nft('flush ruleset');
    await eventually(async () => {
      const other = await start('other', ['front']);
      await networks.down(other.id);
      return (await hear(undefined, '127.0.0.1', 8080, aMoment)).includes('web');
    });
  });

  test('a restarted container keeps its address, and containers can be kept from one another', async () => {
    await network('apart', { options: { 'com.docker.network.bridge.enable_icc': 'false' } });
    const web = await start('web', ['apart']);
    const other = await start('other', ['apart']);
    await networks.down(web.id);
    const again = await start('web', ['apart'], [], web.id);
    expect(addressOf(again)).toBe(addressOf(web));
    serve(again, 80, 'web');
    expect(await hear(other.netns, addressOf(again), 80, aMoment)).toBe('TIMEOUT');
    expect(await hear(undefined, addressOf(again), 80)).toContain('web');
  });

  test('a client of a UDP port reaches the new container with the flow it had to the old one', async () => {
    await network('front');
    const udp = port(5353, 53, { protocol: 'udp' });
    const old = await start('old', ['front'], [udp]);
    const closeOld = echoUdp(old.netns, 53, 'old');
    const client = createSocket('udp4');
    closers.push(() => client.close());
    const heard: string[] = [];
    client.on('message', (message) => heard.push(String(message)));
    const send = () => client.send('hello', 5353, '127.0.0.1');
    send();
    await eventually(() => heard.length === 1);
    closeOld();
    // Keeps the former address from being the new one.
    await start('between', ['front']);
    await networks.down(old.id);
    const fresh = await start('new', ['front'], [udp]);
    expect(addressOf(fresh)).not.toBe(addressOf(old));
    closers.push(echoUdp(fresh.netns, 53, 'new'));
    send();
    await eventually(() => heard.length === 2);
    expect(heard).toEqual(['old hello', 'new hello']);
  });

  test('the built-in network moves on where its subnet was taken before its first use', async () => {
    const [pool] = networks.get('bridge').pools;
    const outside = join(host.directory, 'outside');
    createNetns(outside);
    closers.push(() => removeNetns(outside));
    outsideLink(outside, pool?.gateway);
    const web = await start('web', ['bridge']);
    expect(web.endpoints[0]?.gateway).not.toBe(pool?.gateway);
    expect(await start('other', ['bridge'])).toMatchObject({ endpoints: [{ gateway: web.endpoints[0]?.gateway }] });
    closers.push(() => withNetlink(undefined, (netlink) => netlink.send(deleteLink('outside0'))));
  });

  test('a network with IPv6 gives addresses of both families', async () => {
    await network('six', { enableIPv6: true });
    const a = await start('a', ['six']);
    const b = await start('b', ['six'], [port(8080, 80)]);
    expect(await ask(a.netns, 'b', 'AAAA')).toEqual([b.endpoints[0]?.ipv6Address]);
    const server = greet(b.netns, 80, 'b', '::');
    closers.push(() => server.close());
    expect(await hear(a.netns, b.endpoints[0]?.ipv6Address ?? '', 80)).toContain('b fd');
    const v4 = greet(b.netns, 80, 'b');
    closers.push(() => v4.close());
    expect(await hear(undefined, '127.0.0.1', 8080)).toContain('b 172.');
    expect(await hear(undefined, b.endpoints[0]?.ipv6Gateway ?? '', 8080)).toContain('b fd');
    expect(await hear(undefined, '::1', 8080)).toContain('b fd');
  });

  test('names and ports outlive a daemon that is killed, and its successor takes the living resolver over', async () => {
    const fixture = fileURLToPath(new URL('./daemon-fixture.ts', import.meta.url));
    const daemon = spawn(process.execPath, [fixture, host.directory, scope], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => daemon.stdout.once('data', resolve));
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGKILL');
    await ended;
    const [web, db] = ['web', 'db'].map((name) => name.padEnd(64, 'e')) as [string, string];
    const netns = (id: string) => join(host.directory, 'run', 'netns', id);
    serve({ netns: netns(web), endpoints: [], ports: [], resolvConf: '' }, 80, 'web');
    const [address] = await ask(netns(db), 'web');
    expect(await hear(netns(db), address ?? '', 80)).toContain('web');
    expect(await hear(undefined, '127.0.0.1', 8080)).toContain('web');
    expect(await hear(undefined, '::1', 8080)).toContain('web');
    const pidFile = join(host.directory, 'run', 'dns', 'pid');
    const pid = readFileSync(pidFile, 'utf8');
    store = memoryStore(join(host.directory, 'store.json'));
    await networks.close({ removeAll: false });
    networks = await open();
    await networks.recover(new Set([web, db]));
    expect(readFileSync(pidFile, 'utf8')).toBe(pid);
    await networks.rename(web, 'shop');
    expect(await ask(netns(db), 'shop')).toEqual([address]);
    // The other way round: the resolver dies, and the daemon starts another.
    process.kill(Number(pid), 'SIGKILL');
    await eventually(async () => (await ask(netns(db), 'shop', 'A', 200))[0] === address);
    expect(await hear(undefined, '::1', 8080)).toContain('web');
    expect(readFileSync(pidFile, 'utf8')).not.toBe(pid);
  });

  test('closing takes the resolver process and every trace along', async () => {
    await network('front');
    const web = await start('web', ['front']);
    const pid = Number(readFileSync(join(host.directory, 'run', 'dns', 'pid'), 'utf8'));
    await networks.close({ removeAll: true });
    await eventually(() => !existsSync(`/proc/${pid}`));
    expect(existsSync(web.netns)).toBe(false);
    expect(existsSync(join(host.directory, 'run', 'dns'))).toBe(false);
  });
});

function outsideLink(path: string, address = '198.51.100.1'): void {
  const fd = openSync(path, 'r');
  try {
    withNetlink(undefined, (netlink) => {
      netlink.send(createVeth('outside0', { up: true }, { name: 'eth0', netnsFd: fd }));
      const link = findLink(netlink, 'outside0');
      netlink.send(addAddress(link?.index ?? 0, address, 24));
    });
    withNetlink(path, (netlink) => {
      const link = findLink(netlink, 'eth0');
      netlink.send(
        setLink('lo', { up: true }),
        setLink('eth0', { up: true }),
        addAddress(link?.index ?? 0, '198.51.100.2', 24),
      );
      netlink.send(setDefaultRoute(link?.index ?? 0, '198.51.100.1'));
    });
  } finally {
    closeSync(fd);
  }
}
