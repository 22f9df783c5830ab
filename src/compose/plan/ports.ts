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

/**
 * Where one replica's ports are published: a range is dealt out, one port for each replica. More replicas than ports
 * share them in turn.
 */
export function portBindings(
  service: Service,
  { replica, replicas }: { readonly replica: number; readonly replicas: number },
): Record<string, PortBinding[]> {
  const bindings: Record<string, PortBinding[]> = {};
  for (const port of service.ports ?? []) {
    const [from, to = from] = rangeOf(port.published);
    const HostPort = from === undefined || to === undefined ? '' : dealt([from, to], replica, replicas);
    const key = portKey(port.target, port.protocol);
    bindings[key] = [...(bindings[key] ?? []), { HostIp: port.host_ip ?? '', HostPort }];
  }
  return bindings;
}

function dealt([from, to]: readonly [number, number], replica: number, replicas: number): string {
  const size = to - from + 1;
  if (replicas > size) return String(from + ((replica - 1) % size));
  return replica <= size ? String(from + replica - 1) : `${from}-${to}`;
}

function rangeOf(published: string | undefined): [from?: number, to?: number] {
  if (!published) return [];
  return published.split('-').map(Number) as [number, number?];
}

/** Whether a service asks for host ports by number, which its replicas may have to share. */
export const hasFixedPorts = (service: Service): boolean =>
  (service.ports ?? []).some(({ published }) => rangeOf(published)[0] !== undefined);

function shared(service: Service, replicas: number): { index: number; from: number; to: number } | undefined {
  for (const [index, port] of (service.ports ?? []).entries()) {
    const [from, to = from] = rangeOf(port.published);
    if (from !== undefined && to !== undefined && to - from + 1 < replicas) return { index, from, to };
  }
  return undefined;
}

/**
 * Throws PORT_IN_USE before anything is created where replicas of a service would want the same host port, on an
 * engine that does not balance one over several containers.
 */
export function checkReplicaPorts(
  name: string,
  service: Service,
  { replicas, spanOf }: { replicas: number; spanOf: (index: number) => readonly SourceSpan[] },
): void {
  const found = shared(service, replicas);
  if (!found) return;
  const { index, from, to } = found;
  const what = from === to ? `port ${from}` : `the ${to - from + 1} ports ${from}-${to}`;
  throw new IechorError('PORT_IN_USE', `${name} has ${replicas} replicas, but publishes only ${what} of the host`, {
    at: spanOf(index),
    exit: 1,
    hint: `this engine cannot share a port (iechord can): publish a range of ${replicas} ports ("${from}-${from + replicas - 1}:${service.ports?.[index]?.target}"), or leave the host port away`,
  });
}
