import { annotations } from '../../api/annotations.ts';
import type { UpdateConfig } from '../model/parts.ts';
import type { Service } from '../model/project.ts';
import type { Decision } from './decide.ts';
import type { Desired, DesiredService } from './desired.ts';
import { isProbed } from './extension.ts';
import type { UpIntent } from './intent.ts';
import type { Observed } from './observe.ts';
import type { WayBack } from './plan.ts';
import { hasFixedPorts } from './ports.ts';

/** How the containers of a service are replaced, some at a time. */
export interface Roll {
  readonly order: 'start-first' | 'stop-first';
  /** How many at once. */
  readonly parallelism: number;
  readonly delaySeconds: number;
  /** How long a new container is watched after it is healthy (or runs). */
  readonly monitorSeconds: number;
  /** New containers that may fail before the update stops. */
  readonly allowedFailures: number;
  readonly failureAction: 'pause' | 'continue' | 'rollback';
  readonly rollback: WayBack;
  /** New connections are led away from a container, and its own may end, before it is stopped. */
  readonly drains: boolean;
}

/** Without a health check only time tells whether a container works. */
const unprobedMonitorSeconds = 5;

interface RollContext {
  readonly desired: Desired;
  readonly observed: Observed;
  readonly intent: UpIntent;
  readonly notices: string[];
}

/** How a service's containers are replaced: undefined for all at once. Pure, but for what it notices. */
export function rollOf(
  service: DesiredService,
  decisions: readonly Decision[],
  context: RollContext,
): Roll | undefined {
  const { observed, intent, notices } = context;
  const asked = service.service.deploy?.update_config;
  const way = intent.rolling ?? 'file';
  const replaced = decisions.filter(({ act }) => act === 'recreate').length;
  if (way === 'never' || (way === 'file' && !asked) || replaced === 0 || !intent.start) return undefined;
  if (providesNamespaces(service.name, context.desired)) {
    notices.push(`${service.name} is replaced all at once: other services share its namespaces or volumes`);
    return undefined;
  }
  const order = asked?.order ?? (way === 'always' ? 'start-first' : 'stop-first');
  const obstacle = order === 'start-first' ? obstacleOf(service.service, decisions, observed) : undefined;
  if (obstacle) notices.push(`${service.name} is replaced stop-first: ${obstacle}`);
  return {
    ...paceOf(asked, service, replaced),
    order: obstacle ? 'stop-first' : order,
    failureAction: (asked?.failure_action ?? 'pause') as Roll['failureAction'],
    rollback: wayBack(service.service.deploy?.rollback_config, { sideBySide: obstacle === undefined, replaced }),
    drains: observed.balances === true && hasFixedPorts(service.service),
  };
}

function paceOf(asked: UpdateConfig | undefined, service: DesiredService, replaced: number) {
  return {
    parallelism: asked?.parallelism === 0 ? replaced : (asked?.parallelism ?? 1),
    delaySeconds: (asked?.delay ?? 0) / 1e9,
    monitorSeconds: asked?.monitor ? asked.monitor / 1e9 : isProbed(service.service) ? 0 : unprobedMonitorSeconds,
    allowedFailures: Math.floor((asked?.max_failure_ratio ?? 0) * replaced),
  };
}

function wayBack(
  asked: UpdateConfig | undefined,
  { sideBySide, replaced }: { readonly sideBySide: boolean; readonly replaced: number },
): WayBack {
  return {
    order: sideBySide ? (asked?.order ?? 'stop-first') : 'stop-first',
    parallelism: asked?.parallelism === 0 ? replaced : (asked?.parallelism ?? 1),
    delaySeconds: (asked?.delay ?? 0) / 1e9,
    // What comes back worked before: it is watched only where the file says so.
    monitorSeconds: (asked?.monitor ?? 0) / 1e9,
    ...(asked?.failure_action !== 'continue' && {
      allowedFailures: Math.floor((asked?.max_failure_ratio ?? 0) * replaced),
    }),
  };
}

const providesNamespaces = (name: string, desired: Desired): boolean =>
  [...desired.services.values()].some(({ providers }) => providers.includes(name));

/** Why the new container cannot run beside the old one. */
function obstacleOf(service: Service, decisions: readonly Decision[], observed: Observed): string | undefined {
  const fixed = Object.values(service.networks ?? {}).some((own) => own?.ipv4_address || own?.ipv6_address);
  if (fixed) return 'its network address is fixed, and only one container can have it';
  if (!hasFixedPorts(service)) return undefined;
  if (!observed.balances) return 'this engine cannot let two containers share its published port (iechord can)';
  const alone = decisions.find(
    (one) => one.act === 'recreate' && !one.container.summary.HostConfig?.Annotations?.[annotations.balance],
  );
  return alone && 'its containers were made by another program and do not share their published port';
}
