import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../common/error.ts';
import { countTcpFlows, forgetTcpFlows } from '../host/netlink-conntrack.ts';
import type { NetworkContext } from './network-context.ts';
import type { FirewallPort } from './nft-rules.ts';
import { translationsOf } from './publish.ts';
import type { StoredSandbox } from './records.ts';
import { dnsView, waysOut } from './sandbox-view.ts';
import { inService } from './serving.ts';
import type { PublishedPort, Serving } from './types.ts';

/** Containers that publish one port of the host together: who of them has new connections, and who none any more. */

const drainPollMs = 100;

interface Member {
  readonly serving: Serving;
  readonly target: FirewallPort;
}

/** Key of a shared port's translations in one address family. */
const keyOf = ({ protocol, hostAddress, hostPort, address }: FirewallPort): string =>
  `${address.includes(':') ? 6 : 4} ${protocol} ${hostAddress} ${hostPort}`;

export const sharedPorts = (sandbox: StoredSandbox): readonly PublishedPort[] =>
  sandbox.ports.filter(({ group }) => group !== undefined);

/** Translations of the shared ports of one container, as if it had them alone. */
function ownTranslations(context: NetworkContext, sandbox: StoredSandbox): readonly FirewallPort[] {
  const ports = sharedPorts(sandbox);
  if (ports.length === 0) return [];
  return translationsOf(ports, waysOut(context, context.records.endpointsOf(sandbox.containerId)));
}

/** Shared ports by key, with the containers that have their turn. `leaving` is taken for gone. */
export function balances(
  context: NetworkContext,
  options: { readonly leaving?: string } = {},
): ReadonlyMap<string, readonly FirewallPort[]> {
  const members = new Map<string, Member[]>();
  for (const sandbox of context.records.sandboxes()) {
    if (sandbox.containerId === options.leaving) continue;
    for (const target of ownTranslations(context, sandbox)) {
      const known = members.get(keyOf(target)) ?? [];
      members.set(keyOf(target), [...known, { serving: sandbox.serving ?? 'ready', target }]);
    }
  }
  return new Map([...members].map(([key, list]) => [key, inService(list).map(({ target }) => target)]));
}

/** Brings the firewall to what the records say about the shared ports of a container; `gone`: without it. */
export function rebalance(context: NetworkContext, sandbox: StoredSandbox, options: { gone?: boolean } = {}): void {
  const own = ownTranslations(context, sandbox);
  if (own.length === 0) return;
  const now = balances(context, options.gone ? { leaving: sandbox.containerId } : {});
  for (const key of new Set(own.map(keyOf))) context.firewall.balance(key, now.get(key) ?? []);
}

/** `Networks.setServing`. Idempotent. */
export function setServing(context: NetworkContext, containerId: string, serving: Serving): void {
  // Who is told to leave does not come back by a health check.
  if (context.records.sandbox(containerId)?.serving === 'leaving') return;
  if (!changeServing(context, containerId, serving)) return;
  // For what is relayed. A process that cannot be told now gets the whole state with its next one.
  nameAgain(context, containerId).catch((error) =>
    context.log.warn('the resolver process does not know who serves', {
      container: containerId,
      error: messageOf(error),
    }),
  );
}

/** On record and in the firewall; false where nothing changes. */
function changeServing(context: NetworkContext, containerId: string, serving: Serving): boolean {
  const sandbox = context.records.sandbox(containerId);
  if (!sandbox || sharedPorts(sandbox).length === 0 || (sandbox.serving ?? 'ready') === serving) return false;
  const changed = { ...sandbox, serving };
  context.records.putSandbox(changed, context.records.endpointsOf(containerId));
  rebalance(context, changed);
  return true;
}

/** `Networks.drain`. */
export async function drain(
  context: NetworkContext,
  containerId: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { timeoutMs, signal } = options;
  const before = context.records.sandbox(containerId);
  if (!before || sharedPorts(before).length === 0) return;
  changeServing(context, containerId, 'leaving');
  await nameAgain(context, containerId);
  const deadline = performance.now() + timeoutMs;
  // One look is too few: a connection that began by the rules of before may not be on the kernel's list yet.
  for (let quiet = 0; performance.now() < deadline; ) {
    quiet = openFlows(context, containerId) > 0 ? 0 : quiet + 1;
    if (quiet === 2) return;
    if (signal?.aborted) {
      changeServing(context, containerId, before.serving ?? 'ready');
      return nameAgain(context, containerId);
    }
    await delay(Math.min(drainPollMs, Math.max(1, deadline - performance.now())));
  }
}

async function nameAgain(context: NetworkContext, containerId: string): Promise<void> {
  const sandbox = context.records.sandbox(containerId);
  const view = sandbox && dnsView(context, sandbox);
  if (view) await context.dns.set(view);
}

/** Connections that a container still serves through its shared ports. */
function openFlows(context: NetworkContext, containerId: string): number {
  const sandbox = context.records.sandbox(containerId);
  if (!sandbox) return 0;
  const targets = targetsOf(ownTranslations(context, sandbox));
  return countTcpFlows(({ address, port }) => targets.has(`${address} ${port}`));
}

/** What forgets the connections that are led to a container, and attempts: to be called when it is gone. */
export function forgetting(context: NetworkContext, sandbox: StoredSandbox): () => void {
  const targets = targetsOf(ownTranslations(context, sandbox));
  return () => {
    if (targets.size > 0) forgetTcpFlows(({ address, port }) => targets.has(`${address} ${port}`));
  };
}

const targetsOf = (ports: readonly FirewallPort[]): ReadonlySet<string> =>
  new Set(ports.map(({ address, containerPort }) => `${address} ${containerPort}`));
