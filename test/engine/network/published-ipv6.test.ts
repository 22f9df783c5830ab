import { randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../../src/common/id.ts';
import { openSocket } from '../../../src/host/netns-sockets.ts';
import { writeSysctl } from '../../../src/host/netns-system.ts';
import type { Networks, PublishedPort, SandboxRequest, SandboxState } from '../../../src/network/types.ts';
import { bridgeRequest, echoUdp, greet, hear, hearUdp, openPrivateNetworks, type PrivateHost } from './support.ts';

const root = process.getuid?.() === 0;

(root ? describe : describe.skip)('ports published in IPv6 by containers without it (needs root)', () => {
  let host: PrivateHost;
  let networks: Networks;
  const closers: (() => void)[] = [];

  beforeEach(async () => {
    ({ host, networks } = await openPrivateNetworks('e2e0ab13'));
    await networks.create(bridgeRequest('front'));
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) close();
    await networks.close({ removeAll: true });
    host.leave();
  });

  const port = (hostPort: number, containerPort: number, extra: Partial<PublishedPort> = {}): PublishedPort => ({
    protocol: 'tcp',
    hostAddress: '',
    hostPort,
    containerPort,
    ...extra,
  });
  const start = (name: string, ports: readonly PublishedPort[], extra: Partial<SandboxRequest> = {}) => {
    const containerId = newId();
    const endpoints = [{ network: 'front', aliases: [] }];
    const dns = { servers: [], search: [], options: [] };
    const request = { containerId, containerName: name, endpoints, ports, dns, ...extra };
    return networks.up(request).then((state) => ({ id: containerId, ...state }));
  };
  const serve = (state: SandboxState, words: string) => {
    const server = greet(state.netns, 80, words);
    closers.push(() => server.close());
  };

  test('are reached at ::1 by tcp and udp for as long as the container is there', async () => {
    const web = await start('web', [port(8080, 80), port(5353, 53, { protocol: 'udp' })]);
    serve(web, 'web');
    closers.push(echoUdp(web.netns, 53));
    expect(web.ports.map(({ hostAddress, hostPort }) => `${hostAddress} ${hostPort}`)).toEqual([
      '0.0.0.0 8080',
      ':: 8080',
      '0.0.0.0 5353',
      ':: 5353',
    ]);
    expect(await hear(undefined, '::1', 8080)).toBe(`web ${web.endpoints[0]?.gateway}`);
    expect(await hearUdp(undefined, '::1', 5353)).toBe('echo hello');
    await networks.down(web.id);
    expect(await hear(undefined, '::1', 8080)).toBe('ECONNREFUSED');
  });

  test('carry streams whole, each half to its own end', async () => {
    const web = await start('web', [port(8080, 80, { hostAddress: '::1' })]);
    const { fd } = openSocket('tcp', { address: '0.0.0.0', port: 80 }, { netns: web.netns, listen: true });
    // Answers only after the client's end, with all that it sent.
    const server = createServer({ allowHalfOpen: true }, async (client) => client.end(await buffer(client)));
    server.listen({ fd });
    closers.push(() => server.close());
    const sent = randomBytes(4_000_000);
    const client = connect({ host: '::1', port: 8080, allowHalfOpen: true });
    client.end(sent);
    expect((await buffer(client)).equals(sent)).toBe(true);
  });

  test('reset a client whose container does not listen', async () => {
    await start('web', [port(8080, 80)]);
    expect(await hear(undefined, '::1', 8080)).toBe('ECONNRESET');
  });

  test('are refused where a program has the port in IPv6 alone, before anything is made', async () => {
    const server = createServer().listen({ port: 8080, host: '::', ipv6Only: true });
    closers.push(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const refused = { code: 'PORT_IN_USE', message: expect.stringMatching(/^Bind for \[::]:8080 failed: .*process/) };
    await expect(start('web', [port(8080, 80)])).rejects.toMatchObject(refused);
    await expect(
      networks.checkPorts(newId(), [port(8080, 80)], [{ network: 'front', aliases: [] }]),
    ).rejects.toMatchObject(refused);
    await expect(start('four', [port(8080, 80, { hostAddress: '0.0.0.0' })])).resolves.toBeDefined();
  });

  test('have one number in both families where it is chosen', async () => {
    const web = await start('web', [port(0, 80), port(0, 81, { hostAddress: '127.0.0.1' })]);
    const [four, six, other] = web.ports;
    expect([four?.hostAddress, six?.hostAddress]).toEqual(['0.0.0.0', '::']);
    expect(six?.hostPort).toBe(four?.hostPort);
    expect(other?.hostPort).not.toBe(four?.hostPort);
  });

  test('are published in IPv4 alone on a host without IPv6', async () => {
    writeSysctl('net/ipv6/conf/all/disable_ipv6', '1');
    const web = await start('web', [port(8080, 80)]);
    expect(web.ports.map(({ hostAddress }) => hostAddress)).toEqual(['0.0.0.0']);
  });

  test('are shared by those who serve, and not led to who leaves', async () => {
    const shared = port(8080, 80, { group: 'shop' });
    const [one, two] = [await start('one', [shared]), await start('two', [shared])];
    serve(one, 'one');
    serve(two, 'two');
    const heard = async () => (await hear(undefined, '::1', 8080)).split(' ')[0];
    expect(new Set([await heard(), await heard()])).toEqual(new Set(['one', 'two']));
    await networks.drain(two.id, { timeoutMs: 0 });
    expect([await heard(), await heard()]).toEqual(['one', 'one']);
    await networks.down(one.id);
    expect(await heard()).toBe('two');
  });
});
