import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import { nft } from '../host/nft.ts';
import { foreignChains, renderForeign, ruleHandles } from './foreign-rules.ts';
import {
  type Balance,
  balanceOf,
  type FirewallNetwork,
  type FirewallOpening,
  type FirewallPort,
  renderDeleteTable,
  renderExchange,
  renderNetworks,
  renderPorts,
  renderTable,
} from './nft-rules.ts';
import type { KernelNames } from './records.ts';

/** What the table has to say, from the records. */
export interface FirewallState {
  readonly networks: readonly FirewallNetwork[];
  readonly ports: readonly (FirewallPort | FirewallOpening)[];
  /** Shared ports by key, with the containers that have their turn. */
  readonly balances: ReadonlyMap<string, readonly FirewallPort[]>;
}

/** Our table in the host's namespace, and our rules where another firewall lets its users add some. */
export interface Firewall {
  /** Each change is one transaction; where it does not fit what is there, the whole table is written from the state. */
  addNetwork(network: FirewallNetwork): void;
  removeNetwork(network: FirewallNetwork): void;
  addPorts(ports: readonly (FirewallPort | FirewallOpening)[]): void;
  /** Resolves when they are gone. Waits a moment for others, since the kernel takes long for each deletion. */
  removePorts(ports: readonly (FirewallPort | FirewallOpening)[]): Promise<void>;
  /** Leads a shared port to these containers in turn, from now on; established connections go on. */
  balance(key: string, targets: readonly FirewallPort[]): void;
  /** Writes everything from the state. */
  rebuild(): void;
  /** Puts back what others took away (a flushed ruleset, another firewall restarted). At most once in two seconds. */
  verify(): void;
  /** Takes everything of ours away. Idempotent. */
  remove(): void;
}

const verifyIntervalMs = 2000;
const gatherMs = 20;

export function createFirewall(names: KernelNames, options: { state: () => FirewallState; log: Log }): Firewall {
  const { table } = names;
  let verifiedAt = 0;
  let warned = false;
  const leaving: (FirewallPort | FirewallOpening)[] = [];
  let flushed: Promise<void> | undefined;
  /** What stands in the table for the shared ports. */
  const shared = new Map<string, Balance>();
  const foreign = () => addForeign({ mark: names.mark, patterns: patternsOf(names, options.state()) }, options.log);
  const rebuild = () => {
    if (!warned) warned = warnOfFirewalld(patternsOf(names, options.state()), options.log);
    const { networks, ports, balances } = options.state();
    const now = new Map([...balances].map(([key, targets]) => [key, balanceOf(targets)]));
    const script = renderTable(table, networks, ports, [...now.values()]);
    try {
      nft(script);
    } catch (error) {
      // A table of another version, with sets of other types: it goes, and the users' chain with it.
      options.log.warn('firewall table is made anew; rules in its chain "user" are lost', { error: messageOf(error) });
      nft(renderDeleteTable(table) + script);
    }
    shared.clear();
    for (const [key, balance] of now) shared.set(key, balance);
    foreign();
    verifiedAt = performance.now();
  };
  const change = (script: string) => {
    if (script === '') return;
    try {
      nft(script);
    } catch (error) {
      options.log.debug('firewall table is written anew', { error: messageOf(error) });
      rebuild();
    }
  };
  return {
    addNetwork: (network) => change(renderNetworks('add', table, [network])),
    removeNetwork: (network) => change(renderNetworks('delete', table, [network])),
    addPorts: (ports) => change(renderPorts('add', table, ports)),
    balance: (key, targets) => {
      const from = shared.get(key) ?? { elements: [] };
      const to = balanceOf(targets);
      const kept = [...shared].flatMap(([other, { elements }]) => (other === key ? [] : elements));
      if (to.elements.length === 0) shared.delete(key);
      else shared.set(key, to);
      change(renderExchange(table, { from, to, kept }));
    },
    removePorts: (ports) => {
      leaving.push(...ports);
      flushed ??= delay(gatherMs).then(() => {
        flushed = undefined;
        change(renderPorts('delete', table, leaving.splice(0)));
      });
      return flushed;
    },
    rebuild,
    verify: () => {
      if (performance.now() - verifiedAt < verifyIntervalMs) return;
      verifiedAt = performance.now();
      if (!(listing('inet', table, 'guard') ?? '').includes('@home4')) rebuild();
      else foreign();
    },
    remove: () => {
      verifiedAt = 0;
      shared.clear();
      nft(renderDeleteTable(table));
      for (const { family, chain, text } of existingForeign()) {
        const script = deletions(family, chain, ruleHandles(text, names.mark));
        if (script !== '') nft(script);
      }
    },
  };
}

/** firewalld takes no rules from others, only interfaces into its zones. True where it is there. */
function warnOfFirewalld(patterns: readonly string[], log: Log): boolean {
  if (listing('inet', 'firewalld', 'filter_FORWARD') === undefined) return false;
  const interfaces = patterns.map((name) => `--add-interface=${name.replace('*', '+')}`).join(' ');
  log.warn('firewalld decides what our bridges forward', { remedy: `firewall-cmd --zone=trusted ${interfaces}` });
  return true;
}

/** Patterns for all of our bridges; users may have named some of them. */
function patternsOf(names: KernelNames, state: FirewallState): readonly string[] {
  return [...names.bridgePatterns, ...state.networks.map(({ bridge }) => bridge).filter((name) => !names.isOurs(name))];
}

function addForeign(names: { mark: string; patterns: readonly string[] }, log: Log): void {
  for (const { family, chain, text } of existingForeign()) {
    const old = ruleHandles(text, names.mark);
    if (old.length === names.patterns.length * 4 && names.patterns.every((name) => text.includes(`"${name}"`)))
      continue;
    const script = deletions(family, chain, old) + renderForeign(family, chain, names);
    try {
      nft(script);
      log.info('forwarding is allowed for our bridges in another firewall', { table: `${family} filter`, chain });
    } catch (error) {
      log.warn('another firewall drops forwarded traffic and takes no rules from us', {
        table: `${family} filter`,
        chain,
        error: messageOf(error),
      });
    }
  }
}

function deletions(family: string, chain: string, handles: readonly string[]): string {
  return handles.map((handle) => `delete rule ${family} filter ${chain} handle ${handle}\n`).join('');
}

function existingForeign() {
  return foreignChains((family, chain) => listing(family, 'filter', chain));
}

/** Text of a chain, or undefined where there is none. */
function listing(family: string, table: string, chain: string): string | undefined {
  try {
    return nft(`list chain ${family} ${table} ${chain}\n`);
  } catch {
    // nft has one message for all that is missing, and no status of its own for it.
    return undefined;
  }
}
