import { chains, maps, sets } from './nft-table.ts';
import type { GatewayMode } from './options.ts';
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
  /** How each family is reached from elsewhere; absent: as `nat`. */
  readonly modes?: Readonly<Partial<Record<4 | 6, GatewayMode>>>;
  /** With which address of the host each family leaves, where it is masqueraded; absent: that of the way. */
  readonly sources?: Readonly<Partial<Record<4 | 6, string>>>;
  /** Devices of the host from which published ports are reached at the containers' own addresses. */
  readonly trusted?: readonly string[];
}
export interface FirewallPort {
  readonly protocol: PortProtocol;
  /** Empty: every address of the host. */
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly address: string;
  readonly containerPort: number;
}
/** A port of a container that may be reached at its own address. */
export type FirewallOpening = Pick<FirewallPort, 'protocol' | 'address' | 'containerPort'>;

/**
 * The whole table in one transaction, whatever it held before. The chain `user` is the users' own: it is made empty
 * once and never touched again; rules there see all traffic from and to our networks before ours do.
 */
export function renderTable(
  table: string,
  networks: readonly FirewallNetwork[],
  ports: readonly (FirewallPort | FirewallOpening)[],
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
export function renderPorts(
  verb: 'add' | 'delete',
  table: string,
  ports: readonly (FirewallPort | FirewallOpening)[],
): string {
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
    elements.push(...subnetElements(network, subnet, subnet.includes(':') ? 6 : 4));
  }
  return elements;
}

function subnetElements(network: FirewallNetwork, subnet: string, family: 4 | 6): readonly Element[] {
  const { internal, masquerade, trusted = [], modes = {}, sources = {} } = network;
  const device = JSON.stringify(network.bridge);
  const mode = internal ? 'isolated' : (modes[family] ?? 'nat');
  const source = sources[family];
  const elements: Element[] = [
    [`subnets${family}`, subnet],
    [`home${family}`, `${subnet} . ${device}`],
  ];
  if (mode === 'nat' || mode === 'isolated') elements.push([`guarded${family}`, subnet]);
  if (mode === 'routed') elements.push([`routed${family}`, subnet]);
  if (mode === 'nat-unprotected') elements.push([`unprotected${family}`, subnet]);
  if (mode === 'nat') {
    for (const name of trusted) elements.push([`trusted${family}`, `${subnet} . ${JSON.stringify(name)}`]);
  }
  if (!masquerade || internal || mode === 'routed') return elements;
  elements.push(source ? [`source${family}`, `${subnet} : ${source}`] : [`masquerade${family}`, subnet]);
  return elements;
}

function portElement(port: FirewallPort | FirewallOpening): Element {
  const family = port.address.includes(':') ? '6' : '4';
  if (!('hostPort' in port)) return [`open${family}`, `${port.address} . ${port.protocol} . ${port.containerPort}`];
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
