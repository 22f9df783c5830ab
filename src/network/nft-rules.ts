import type { PortProtocol } from './types.ts';

/** Pure text of our nftables table: what stands where, and which change costs what. */

export interface FirewallNetwork {
  readonly bridge: string;
  readonly subnets: readonly string[];
  /** No traffic with anything but the same bridge. */
  readonly internal: boolean;
  /** Containers of the network reach one another. */
  readonly communication: boolean;
  readonly masquerade: boolean;
}
export interface FirewallPort {
  readonly protocol: PortProtocol;
  /** Empty: every address of the host. */
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly address: string;
  readonly containerPort: number;
}

const sets: Readonly<Record<string, string>> = {
  bridges: 'type ifname;',
  pairs: 'type ifname . ifname;',
  outside: 'type ifname;',
  subnets4: 'type ipv4_addr; flags interval;',
  subnets6: 'type ipv6_addr; flags interval;',
  home4: 'type ipv4_addr . ifname; flags interval;',
  home6: 'type ipv6_addr . ifname; flags interval;',
  masquerade4: 'type ipv4_addr; flags interval;',
  masquerade6: 'type ipv6_addr; flags interval;',
  shared4: 'type ipv4_addr . inet_service;',
  shared6: 'type ipv6_addr . inet_service;',
};
const maps: Readonly<Record<string, string>> = {
  publish4: 'type inet_proto . inet_service : ipv4_addr . inet_service;',
  publish6: 'type inet_proto . inet_service : ipv6_addr . inet_service;',
  'publish-at4': 'type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;',
  'publish-at6': 'type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service;',
  share4: 'type inet_proto . inet_service : verdict;',
  share6: 'type inet_proto . inet_service : verdict;',
  'share-at4': 'type ipv4_addr . inet_proto . inet_service : verdict;',
  'share-at6': 'type ipv6_addr . inet_proto . inet_service : verdict;',
};

// The kernel lets no packet from ::1 leave the host; without a translation such a client is refused at once.
// A transaction takes effect at one moment, also for a packet that is half through the rules: one that began by the old
// rule of a shared port may find the addresses of the new one in place of its own, and none for it. So such a port has a
// plain translation, too, which comes after its turns.
const published = [
  'ip daddr . meta l4proto . th dport vmap @share-at4',
  'ip6 daddr . meta l4proto . th dport vmap @share-at6',
  'fib daddr type local meta l4proto . th dport vmap @share4',
  'ip6 daddr != ::1 fib daddr type local meta l4proto . th dport vmap @share6',
  'meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @publish-at4',
  'meta l4proto { tcp, udp, sctp } dnat ip6 to ip6 daddr . meta l4proto . th dport map @publish-at6',
  'meta l4proto { tcp, udp, sctp } fib daddr type local dnat ip to meta l4proto . th dport map @publish4',
  'meta l4proto { tcp, udp, sctp } ip6 daddr != ::1 fib daddr type local dnat ip6 to meta l4proto . th dport map @publish6',
];
interface Chain {
  readonly hook: string;
  readonly rules: readonly string[];
}
const chains: Readonly<Record<string, Chain>> = {
  // Only a bridge's own ports may speak to its containers' addresses, or use the host's loopback addresses.
  guard: {
    hook: 'type filter hook prerouting priority raw; policy accept;',
    rules: [
      'iifname @bridges ip daddr 127.0.0.0/8 drop',
      'iifname @bridges ip saddr 127.0.0.0/8 drop',
      'fib daddr type local accept',
      'ip daddr @subnets4 ip daddr . iifname != @home4 drop',
      'ip6 daddr @subnets6 ip6 daddr . iifname != @home6 drop',
    ],
  },
  // A replica that has just died must not turn a client away: the refusal is dropped, and the client's next attempt,
  // a second later, begins a new flow, which has its own turn.
  refusals: {
    hook: 'type filter hook prerouting priority mangle; policy accept;',
    rules: ['4', '6'].map(
      (family) =>
        `iifname @bridges tcp flags & (rst | ack) == rst | ack ct direction reply ct status dnat ct status ! assured ${family === '4' ? 'ip' : 'ip6'} saddr . tcp sport @shared${family} drop`,
    ),
  },
  prerouting: { hook: 'type nat hook prerouting priority dstnat; policy accept;', rules: published },
  output: { hook: 'type nat hook output priority -100; policy accept;', rules: published },
  forward: {
    hook: 'type filter hook forward priority filter; policy accept;',
    rules: [
      'iifname != @bridges oifname != @bridges accept',
      'jump user',
      'iifname . oifname @pairs accept',
      'iifname @bridges iifname != @outside drop',
      'oifname @bridges oifname != @outside drop',
      'ct state established,related accept',
      'oifname @bridges ct status dnat accept',
      'oifname @bridges drop',
    ],
  },
  // The second pair lets 127.0.0.1 reach a container, the third lets containers reach a published port of their own network.
  postrouting: {
    hook: 'type nat hook postrouting priority srcnat; policy accept;',
    rules: [
      'ip saddr @masquerade4 oifname != @bridges masquerade',
      'ip6 saddr @masquerade6 oifname != @bridges masquerade',
      'oifname @bridges ip saddr 127.0.0.0/8 masquerade',
      'oifname @bridges ct status dnat ip saddr @subnets4 masquerade',
      'oifname @bridges ct status dnat ip6 saddr @subnets6 masquerade',
    ],
  },
};

/**
 * The whole table in one transaction, whatever it held before. The chain `user` is the users' own: it is made empty
 * once and never touched again; rules there see all traffic from and to our networks before ours do.
 */
export function renderTable(
  table: string,
  networks: readonly FirewallNetwork[],
  ports: readonly FirewallPort[],
  balances: readonly Balance[] = [],
): string {
  const lines = [`add table inet ${table}`, `add chain inet ${table} user`];
  for (const [name, type] of Object.entries(sets)) {
    lines.push(`add set inet ${table} ${name} { ${type} }`, `flush set inet ${table} ${name}`);
  }
  for (const [name, type] of Object.entries(maps)) {
    lines.push(`add map inet ${table} ${name} { ${type} }`, `flush map inet ${table} ${name}`);
  }
  for (const [name, chain] of Object.entries(chains)) {
    lines.push(`add chain inet ${table} ${name} { ${chain.hook} }`, `flush chain inet ${table} ${name}`);
    for (const rule of chain.rules) lines.push(`add rule inet ${table} ${name} ${rule}`);
  }
  lines.push(...elementLines('add', table, networks.flatMap(networkElements)));
  lines.push(...elementLines('add', table, ports.map(portElement)));
  lines.push(...balances.flatMap(({ chain }) => (chain ? chainLines(table, chain) : [])));
  lines.push(...elementLines('add', table, uniqueElements(balances.flatMap(({ elements }) => elements))));
  return `${lines.join('\n')}\n`;
}

/** Takes the whole table away, the users' chain too. */
export function renderDeleteTable(table: string): string {
  return `add table inet ${table}\ndelete table inet ${table}\n`;
}

/** Adds or deletes the elements of networks. Deleting what is not there, or adding it twice, is no error. */
export function renderNetworks(verb: 'add' | 'delete', table: string, networks: readonly FirewallNetwork[]): string {
  return changes(verb, table, networks.flatMap(networkElements));
}

/** Adds or deletes published ports: one transaction whose cost does not depend on how many there are already. */
export function renderPorts(verb: 'add' | 'delete', table: string, ports: readonly FirewallPort[]): string {
  return changes(verb, table, ports.map(portElement));
}

export type Element = readonly [set: string, element: string];

/** One shared port (one host port, one address family) in the table. */
export interface Balance {
  readonly elements: readonly Element[];
  /** Where the elements lead: its rule gives each container its turn. */
  readonly chain?: { readonly name: string; readonly rule: string };
}

/** A shared port that leads to these containers in turn: as any published port to one, nowhere without any. */
export function balanceOf(targets: readonly FirewallPort[]): Balance {
  const [first] = targets;
  if (!first) return { elements: [] };
  const [publish, element] = portElement(first);
  if (targets.length === 1) return { elements: [[publish, element]] };
  const family = first.address.includes(':') ? '6' : '4';
  const at = first.hostAddress.replaceAll(':', '_');
  const name = `shared.${family}.${first.protocol}.${at === '' ? 'any' : `at_${at}`}.${first.hostPort}`;
  const turns = targets.map(({ address, containerPort }, turn) => `${turn} : ${address} . ${containerPort}`).join(', ');
  const translation = `dnat ${family === '6' ? 'ip6' : 'ip'} to numgen inc mod ${targets.length} map { ${turns} }`;
  return {
    elements: [
      [publish.replace('publish', 'share'), element.replace(/ : .*$/, ` : jump ${name}`)],
      [publish, element],
      ...targets.map(({ address, containerPort }): Element => [`shared${family}`, `${address} . ${containerPort}`]),
    ],
    chain: { name, rule: `meta l4proto ${first.protocol} ${translation}` },
  };
}

function chainLines(table: string, { name, rule }: NonNullable<Balance['chain']>): string[] {
  return [
    `add chain inet ${table} ${name}`,
    `flush chain inet ${table} ${name}`,
    `add rule inet ${table} ${name} ${rule}`,
  ];
}

/**
 * From one state of a shared port to another, in one transaction: no packet meets a state between them. Empty for no
 * difference. The former must be there; `kept` are elements of others.
 */
export function renderExchange(
  table: string,
  change: { readonly from: Balance; readonly to: Balance; readonly kept: readonly Element[] },
): string {
  const { from, to, kept } = change;
  const gone = without(from.elements, [...to.elements, ...kept]);
  const lines = [
    ...(to.chain && to.chain.rule !== from.chain?.rule ? chainLines(table, to.chain) : []),
    ...elementLines('delete', table, gone),
    ...elementLines('add', table, uniqueElements(without(to.elements, [...from.elements, ...kept]))),
    ...(from.chain && !to.chain
      ? [`flush chain inet ${table} ${from.chain.name}`, `delete chain inet ${table} ${from.chain.name}`]
      : []),
  ];
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function without(elements: readonly Element[], others: readonly Element[]): readonly Element[] {
  const known = new Set(others.map((element) => element.join(' ')));
  return elements.filter((element) => !known.has(element.join(' ')));
}

const uniqueElements = (elements: readonly Element[]): readonly Element[] => [
  ...new Map(elements.map((element) => [element.join(' '), element])).values(),
];

function changes(verb: 'add' | 'delete', table: string, elements: readonly Element[]): string {
  const lines = elementLines('add', table, elements);
  if (verb === 'delete') lines.push(...elementLines('delete', table, elements));
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function elementLines(verb: 'add' | 'delete', table: string, elements: readonly Element[]): string[] {
  const bySet = Map.groupBy(elements, ([set]) => set);
  return [...bySet].map(([set, members]) => {
    // A deletion names the key alone.
    const keys = members.map(([, element]) => (verb === 'delete' ? element.replace(/ : .*$/, '') : element));
    return `${verb} element inet ${table} ${set} { ${keys.join(', ')} }`;
  });
}

function networkElements(network: FirewallNetwork): Element[] {
  const device = JSON.stringify(network.bridge);
  const elements: Element[] = [['bridges', device]];
  if (network.communication) elements.push(['pairs', `${device} . ${device}`]);
  if (!network.internal) elements.push(['outside', device]);
  for (const subnet of network.subnets) {
    const family = subnet.includes(':') ? '6' : '4';
    elements.push([`subnets${family}`, subnet], [`home${family}`, `${subnet} . ${device}`]);
    if (network.masquerade && !network.internal) elements.push([`masquerade${family}`, subnet]);
  }
  return elements;
}

function portElement(port: FirewallPort): Element {
  const family = port.address.includes(':') ? '6' : '4';
  const key = `${port.protocol} . ${port.hostPort}`;
  const target = `${port.address} . ${port.containerPort}`;
  if (port.hostAddress === '') return [`publish${family}`, `${key} : ${target}`];
  return [`publish-at${family}`, `${port.hostAddress} . ${key} : ${target}`];
}

/**
 * The table in a container's own namespace that leads its name server address to our resolver's ports, so that the
 * container's port 53 stays free for a server of its own. `create` fails where the table is there already; `replace`
 * does not, but costs thirty times as much.
 */
export function renderResolverRedirect(
  verb: 'create' | 'replace',
  address: string,
  ports: { readonly udp: number; readonly tcp: number },
): string {
  const table = 'ip iechor-resolver';
  const clear = verb === 'replace' ? `add table ${table}\ndelete table ${table}\n` : '';
  return `${clear}create table ${table}
add chain ${table} output { type nat hook output priority -100; policy accept; }
add rule ${table} output ip daddr ${address} udp dport 53 dnat to ${address}:${ports.udp}
add rule ${table} output ip daddr ${address} tcp dport 53 dnat to ${address}:${ports.tcp}
`;
}
