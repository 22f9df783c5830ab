import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { foreignChains, renderForeign, ruleHandles } from '../../../src/network/foreign-rules.ts';
import {
  balanceOf,
  type Element,
  type FirewallPort,
  renderExchange,
  renderNetworks,
  renderPorts,
  renderTable,
} from '../../../src/network/nft-rules.ts';
import { kernelNames } from '../../../src/network/records.ts';

const front = {
  bridge: 'ie-front',
  subnets: ['172.18.0.0/24'],
  internal: false,
  communication: true,
  masquerade: true,
};
const inside = { ...front, bridge: 'ie-inside', subnets: ['172.18.1.0/24', 'fd00:1::/64'], internal: true };
const routed = {
  ...front,
  bridge: 'ie-routed',
  subnets: ['172.18.2.0/24', 'fd00:2::/64'],
  modes: { 4: 'routed', 6: 'nat-unprotected' },
  sources: { 6: '2001:db8::1' },
} as const;
const web = { protocol: 'tcp', hostAddress: '', hostPort: 8080, address: '172.18.0.2', containerPort: 80 } as const;
const local = { ...web, hostAddress: '127.0.0.1', hostPort: 53, protocol: 'udp' } as const;

test('the whole table is what the golden file says', () => {
  const golden = readFileSync(new URL('./table.golden.nft', import.meta.url), 'utf8');
  expect(renderTable(kernelNames('').table, [front, inside], [web, local])).toBe(golden);
});

test('what leaves a network that is routed to keeps its address, and its containers are not guarded', () => {
  const text = renderNetworks('add', 'iechor', [routed]);
  expect(text).toContain('routed4 { 172.18.2.0/24 }');
  expect(text).toContain('unprotected6 { fd00:2::/64 }');
  expect(text).toContain('source6 { fd00:2::/64 : 2001:db8::1 }');
  expect(text).not.toMatch(/guarded|masquerade/);
});

test('whom a network trusts may come straight to its containers', () => {
  const text = renderNetworks('add', 'iechor', [{ ...front, trusted: ['lan0'] }]);
  expect(text).toContain('guarded4 { 172.18.0.0/24 }');
  expect(text).toContain('trusted4 { 172.18.0.0/24 . "lan0" }');
  const open = { protocol: 'tcp', address: 'fd00::2', containerPort: 80 } as const;
  expect(renderPorts('delete', 'iechor', [open])).toContain('delete element inet iechor open6 { fd00::2 . tcp . 80 }');
});

test('another daemon has a table of its own', () => {
  expect(kernelNames('0a1b2c3d').table).toBe('iechor-0a1b2c3d');
});

test('a published port is added by one element, and deleted by its key whether it is there or not', () => {
  expect(renderPorts('add', 'iechor', [web])).toBe(
    'add element inet iechor publish4 { tcp . 8080 : 172.18.0.2 . 80 }\n',
  );
  expect(renderPorts('delete', 'iechor', [local])).toBe(
    'add element inet iechor publish-at4 { 127.0.0.1 . udp . 53 : 172.18.0.2 . 80 }\n' +
      'delete element inet iechor publish-at4 { 127.0.0.1 . udp . 53 }\n',
  );
  expect(renderPorts('add', 'iechor', [])).toBe('');
});

test('an internal network is neither masqueraded nor let out', () => {
  const text = renderNetworks('add', 'iechor', [inside]);
  expect(text).not.toMatch(/outside|masquerade/);
  expect(text).toContain('home6 { fd00:1::/64 . "ie-inside" }');
});

test("another firewall's chains are used where it has some for us, and our rules found again by their mark", () => {
  const listings: Record<string, string> = {
    'ip DOCKER-USER': 'chain DOCKER-USER {\n\t\tiifname "x" accept comment "iechor" # handle 7\n\t\tdrop # handle 8\n}',
    'ip6 FORWARD': 'type filter hook forward priority filter; policy drop;',
  };
  const chains = foreignChains((family, chain) => listings[`${family} ${chain}`]);
  expect(chains.map(({ family, chain }) => `${family} ${chain}`)).toEqual(['ip DOCKER-USER', 'ip6 FORWARD']);
  expect(ruleHandles(listings['ip DOCKER-USER'] ?? '', 'iechor')).toEqual(['7']);
  expect(ruleHandles(listings['ip DOCKER-USER'] ?? '', 'iechor 0a1b2c3d')).toEqual([]);
  const script = renderForeign('ip', 'DOCKER-USER', { patterns: ['ie-*'], mark: 'iechor' });
  expect(script.split('\n').slice(0, 4).reverse()[0]).toBe(
    'insert rule ip filter DOCKER-USER oifname "ie-*" accept comment "iechor"',
  );
});

describe('a shared port', () => {
  const member = (address: string): FirewallPort => ({ ...web, hostAddress: '', address });

  test('of one container is published as any other', () => {
    expect(balanceOf([member('10.0.0.2')])).toEqual({ elements: [['publish4', 'tcp . 8080 : 10.0.0.2 . 80']] });
  });

  test('gives each of its containers its turn', () => {
    const { chain, elements } = balanceOf([member('10.0.0.2'), member('10.0.0.3')]);
    expect(chain?.rule).toBe(
      'meta l4proto tcp dnat ip to numgen inc mod 2 map { 0 : 10.0.0.2 . 80, 1 : 10.0.0.3 . 80 }',
    );
    expect(elements[0]).toEqual(['share4', `tcp . 8080 : jump ${chain?.name}`]);
  });

  test('leads to one of them, too, what comes while the turns change', () => {
    const three = balanceOf(['10.0.0.2', '10.0.0.3', '10.0.0.4'].map(member));
    const two = balanceOf(['10.0.0.2', '10.0.0.3'].map(member));
    const plain: Element = ['publish4', 'tcp . 8080 : 10.0.0.2 . 80'];
    expect(three.elements).toContainEqual(plain);
    expect(renderExchange('iechor', { from: three, to: two, kept: [] })).not.toContain('publish4');
    const rules = renderTable('iechor', [], [])
      .split('\n')
      .filter((line) => line.includes('output'));
    const at = (map: string) => rules.findIndex((line) => line.includes(`map @${map}`));
    expect(at('share4')).toBeLessThan(at('publish4'));
  });

  test('changes its containers in one transaction, and leaves what others need', () => {
    const from = balanceOf([member('10.0.0.2'), member('10.0.0.3')]);
    const to = balanceOf([member('10.0.0.3')]);
    const script = renderExchange('iechor', { from, to, kept: [['shared4', '10.0.0.2 . 80']] });
    expect(script.trim().split('\n')).toEqual([
      'delete element inet iechor share4 { tcp . 8080 }',
      'delete element inet iechor publish4 { tcp . 8080 }',
      'delete element inet iechor shared4 { 10.0.0.3 . 80 }',
      'add element inet iechor publish4 { tcp . 8080 : 10.0.0.3 . 80 }',
      'flush chain inet iechor shared.4.tcp.any.8080',
      'delete chain inet iechor shared.4.tcp.any.8080',
    ]);
    expect(renderExchange('iechor', { from: to, to, kept: [] })).toBe('');
  });
});
