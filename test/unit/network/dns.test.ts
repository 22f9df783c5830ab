import { createSocket, type Socket } from 'node:dgram';
import { afterEach, describe, expect, test } from '@jest/globals';
import { decode, encode, type Packet } from 'dns-packet';
import { createDnsCache } from '../../../src/network/dns-cache.ts';
import { createForwarder, splitTcp } from '../../../src/network/dns-forward.ts';
import { parseQuery, renderAnswer, renderError, ttlOffsets } from '../../../src/network/dns-message.ts';
import { createZone, type DnsSandbox, mayForward } from '../../../src/network/dns-zone.ts';
import { parseResolvConf, renderResolvConf } from '../../../src/network/resolv-conf.ts';

const sandbox = (id: string, networks: readonly string[], names: readonly string[], last: number): DnsSandbox => ({
  id,
  netns: `/run/${id}`,
  endpoints: networks.map((network, index) => ({
    networkId: network,
    networkName: network,
    internal: network === 'inside',
    ipv4: `10.${index}.0.${last}`,
    names,
  })),
  gateways: ['10.0.0.1'],
  servers: [],
  holds: [],
});
const query = (name: string, type: 'A' | 'AAAA' | 'MX' = 'A', id = 9) =>
  encode({ type: 'query', id, flags: 0x100, questions: [{ name, type }] });
/** The types of dns-packet leave it out. */
const rcodeOf = (message: object) => ('rcode' in message ? message.rcode : undefined);

describe('the zone', () => {
  test('names are seen on shared networks only, in any case, and gone with their container', () => {
    const zone = createZone();
    zone.set(sandbox('a', ['front'], ['web'], 2));
    zone.set(sandbox('b', ['back'], ['db'], 3));
    zone.set(sandbox('c', ['front', 'back'], ['api'], 4));
    expect(zone.lookup('a', 'API.')).toMatchObject({ ipv4: ['10.0.0.4'] });
    expect(zone.lookup('b', 'api.back')).toMatchObject({ ipv4: ['10.1.0.4'] });
    expect(zone.lookup('a', 'db')).toBeUndefined();
    expect(zone.lookup('c', '3.0.0.10.in-addr.arpa')).toEqual({ kind: 'pointer', names: ['db.back'] });
    zone.remove('c');
    expect(zone.lookup('a', 'api')).toBeUndefined();
  });

  test('a name of several containers has all their addresses, each first in turn', () => {
    const zone = createZone();
    for (const last of [2, 3, 4]) zone.set(sandbox(`s${last}`, ['front'], [`api-${last}`, 'api'], last));
    const firsts = [1, 2, 3].map(() => {
      const answer = zone.lookup('s2', 'api');
      return answer?.kind === 'addresses' ? answer.ipv4[0] : undefined;
    });
    expect(new Set(firsts).size).toBe(3);
  });

  test('only a container with a way out may have names resolved outside', () => {
    expect(mayForward(sandbox('a', ['inside'], [], 2))).toBe(false);
    expect(mayForward(sandbox('a', ['inside', 'front'], [], 2))).toBe(true);
  });
});

describe('messages', () => {
  const answer = { kind: 'addresses', ipv4: ['10.0.0.2'], ipv6: [] } as const;

  test('a name of ours without addresses of the family asked for is an empty answer, not an unknown name', () => {
    for (const type of ['AAAA', 'MX'] as const) {
      const parsed = parseQuery(query('web', type));
      const reply = decode(renderAnswer(parsed as NonNullable<typeof parsed>, answer, 512));
      expect([rcodeOf(reply), reply.answers?.length, reply.id]).toEqual(['NOERROR', 0, 9]);
    }
  });

  test('an answer too long for a datagram is cut with the flag that makes the client ask by TCP', () => {
    const parsed = parseQuery(query('web'));
    const ipv4 = Array.from({ length: 100 }, (_, index) => `10.0.0.${index + 1}`);
    const render = (limit: number) =>
      decode(renderAnswer(parsed as NonNullable<typeof parsed>, { ...answer, ipv4 }, limit));
    expect(render(512)).toMatchObject({ flag_tc: true, answers: [] });
    expect(render(65535).answers).toHaveLength(100);
  });

  test.each([Buffer.alloc(0), Buffer.alloc(5), Buffer.alloc(12), Buffer.from('ff'.repeat(40), 'hex')])(
    'damaged message %# is survived',
    (message) => {
      expect(parseQuery(message)).toBeUndefined();
      renderError(message, 1);
      ttlOffsets(message);
    },
  );

  test('messages of a TCP stream are told apart', () => {
    const stream = Buffer.from([0, 1, 65, 0, 2, 66, 67, 0, 9, 1]);
    const { messages, rest } = splitTcp(stream);
    expect(messages.map(String)).toEqual(['A', 'BC']);
    expect([...rest]).toEqual([0, 9, 1]);
  });
});

describe('forwarding', () => {
  const servers: Socket[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  const serve = async (answer: (message: Packet) => Packet | undefined) => {
    const server = createSocket('udp4');
    servers.push(server);
    let asked = 0;
    server.on('message', (message, from) => {
      asked += 1;
      const reply = answer(decode(message));
      if (reply) server.send(encode(reply), from.port, from.address);
    });
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
    return { upstream: { address: '127.0.0.1', port: server.address().port }, asked: () => asked };
  };
  const good = (message: Packet): Packet => ({
    ...message,
    type: 'response',
    answers: [{ type: 'A', name: 'example.com', ttl: 30, data: '192.0.2.7' }],
  });

  test('a dead or silent server is passed over, and the answer kept with its time counted down', async () => {
    let now = 0;
    const forwarder = createForwarder(createDnsCache(() => now));
    const silent = await serve(() => undefined);
    const living = await serve(good);
    const upstreams = [{ address: '127.0.0.1', port: 1 }, silent.upstream, living.upstream];
    const ask = (id: number) => forwarder.forward(query('example.com', 'A', id), upstreams, 'udp');
    expect(decode((await ask(1)) ?? Buffer.alloc(0))).toMatchObject({
      id: 1,
      answers: [{ data: '192.0.2.7', ttl: 30 }],
    });
    now = 10;
    expect(decode((await ask(2)) ?? Buffer.alloc(0))).toMatchObject({ id: 2, answers: [{ ttl: 20 }] });
    expect(living.asked()).toBe(1);
    now = 31;
    await ask(3);
    expect(living.asked()).toBe(2);
  });

  test('without any server the failure is told at once', async () => {
    const forwarder = createForwarder(createDnsCache());
    for (const upstreams of [[], [{ address: '127.0.0.1', port: 1 }]]) {
      const reply = decode((await forwarder.forward(query('example.com'), upstreams, 'udp')) ?? Buffer.alloc(0));
      expect(rcodeOf(reply)).toBe('SERVFAIL');
    }
  });

  test('an answer to another question or with another id is no answer', async () => {
    const forwarder = createForwarder(createDnsCache());
    const forger = await serve((message) => ({ ...good(message), id: ((message.id ?? 0) + 1) & 0xffff }));
    const other = await serve((message) => ({ ...good(message), questions: [{ name: 'evil.com', type: 'A' }] }));
    const living = await serve(good);
    const upstreams = [forger.upstream, other.upstream, living.upstream];
    await forwarder.forward(query('example.com'), upstreams, 'udp');
    expect(living.asked()).toBe(1);
  });
});

describe('resolv.conf', () => {
  const host = parseResolvConf(
    '# x\nnameserver 192.0.2.1\ndomain a.test\nsearch b.test c.test # y\noptions timeout:1 edns0\n',
  );

  test('what is not asked for comes from the host', () => {
    expect(renderResolvConf({ search: [], options: [] }, host, 'ours')).toContain(
      'nameserver 127.0.0.11\nsearch b.test c.test\noptions timeout:1 edns0 ndots:0\n',
    );
  });

  test('what is asked for replaces it, and a dot empties the search list', () => {
    const text = renderResolvConf({ search: ['.'], options: ['ndots:2'] }, host, 'ours');
    expect(text).toContain('nameserver 127.0.0.11\noptions ndots:2\n');
  });
});
