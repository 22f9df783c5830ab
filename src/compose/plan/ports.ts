import type { PortBinding } from '../../api/types/host-config.ts';
import type { SourceSpan } from '../../common/diagnostic.ts';
import { IechorError } from '../../common/error.ts';
import type { Service } from '../model/project.ts';

const portKey = (target: number, protocol = 'tcp') => `${target}/${protocol}`;

/** Ports the container opens, published or not. */
export function exposedPorts(service: Service): Record<string, object> {
  const exposed = (service.expose ?? []).flatMap((text) => {
    const [range = '', protocol] = text.split('/');
    const [from = 0, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, at) => portKey(from + at, protocol));
  });
  const published = (service.ports ?? []).map((port) => portKey(port.target, port.protocol));
  return Object.fromEntries([...new Set([...exposed, ...published])].sort().map((key) => [key, {}]));
}

/** Where one replica's ports are published: a range is dealt out, one port for each replica. */
export function portBindings(service: Service, replica: number): Record<string, PortBinding[]> {
  const bindings: Record<string, PortBinding[]> = {};
  for (const port of service.ports ?? []) {
    const [from, to] = rangeOf(port.published);
    const HostPort = from === undefined ? '' : to === undefined ? String(from) : dealt(from, to, replica);
    const key = portKey(port.target, port.protocol);
    bindings[key] = [...(bindings[key] ?? []), { HostIp: port.host_ip ?? '', HostPort }];
  }
  return bindings;
}

const dealt = (from: number, to: number, replica: number): string =>
  from + replica - 1 <= to ? String(from + replica - 1) : `${from}-${to}`;

function rangeOf(published: string | undefined): [from?: number, to?: number] {
  if (!published) return [];
  return published.split('-').map(Number) as [number, number?];
}

/** Throws PORT_IN_USE before anything is created where replicas of a service would want the same host port. */
export function checkReplicaPorts(
  name: string,
  service: Service,
  { replicas, spanOf }: { replicas: number; spanOf: (index: number) => readonly SourceSpan[] },
): void {
  for (const [index, port] of (service.ports ?? []).entries()) {
    const [from, to = from] = rangeOf(port.published);
    if (from === undefined || to === undefined || to - from + 1 >= replicas) continue;
    const what = from === to ? `port ${from}` : `the ${to - from + 1} ports ${from}-${to}`;
    throw new IechorError('PORT_IN_USE', `${name} has ${replicas} replicas, but publishes only ${what} of the host`, {
      at: spanOf(index),
      exit: 1,
      hint: `publish a range of ${replicas} ports ("${from}-${from + replicas - 1}:${port.target}"), or leave the host port away`,
    });
  }
}
