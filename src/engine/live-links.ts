import { shortId } from '../common/id.ts';
import { addressesOf } from '../network/records.ts';
import type { ContainerRecord, RecordLink } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { type ContainerPort, exposedPorts } from './create-network.ts';

/** A container behind a link, where it can be reached. */
export interface LiveLink {
  readonly alias: string;
  readonly container: ContainerRecord;
  /** On the network that both are on. */
  readonly address: string;
}

/** The links of a container to others that run on one of its networks. */
export function reachableLinks(context: EngineContext, record: ContainerRecord): LiveLink[] {
  return (record.links ?? []).flatMap(({ alias, id }) => {
    const container = context.containers.find(id);
    const theirs = container ? context.networks.endpointsOf(networkHolder(context, container).id) : [];
    const shared = record.endpoints.flatMap(({ network }) => theirs.find((one) => one.networkName === network) ?? []);
    const [address] = shared[0] ? addressesOf(shared[0]) : [];
    return container && address !== undefined ? [{ alias, container, address }] : [];
  });
}

/** The container whose network one is in, through any number of `container:<name>`. */
function networkHolder(context: EngineContext, record: ContainerRecord): ContainerRecord {
  const seen = new Set<string>();
  let at = record;
  while (!seen.has(at.id)) {
    seen.add(at.id);
    const [, name] = /^container:(.+)$/.exec(at.body.HostConfig?.NetworkMode ?? '') ?? [];
    at = (name !== undefined && context.containers.find(name)) || at;
  }
  return at;
}

/** Names that the resolver gives to linked containers, for the container alone: alias to short id. */
export function linkNames(links: readonly RecordLink[]): Record<string, string> {
  return Object.fromEntries(links.map(({ alias, id }) => [alias, shortId(id)]));
}

/** Lines of /etc/hosts for the links: address, alias, host name, name. */
export function linkHosts(links: readonly LiveLink[]): string[] {
  return links.map(({ alias, container, address }) => {
    const names = [...new Set([alias, container.hostname, container.name])];
    return `${address}\t${names.join(' ')}`;
  });
}

/** The variables of links on the default network (`DB_PORT_5432_TCP_ADDR`, `DB_ENV_USER`, ...), as Docker names them. */
export function linkEnv(record: ContainerRecord, links: readonly LiveLink[]): string[] {
  return links.flatMap(({ alias, container, address }) => {
    const prefix = alias.replaceAll('-', '_').toUpperCase();
    const ports = portsOf(container);
    const of = ({ containerPort, protocol }: ContainerPort) => `${protocol}://${address}:${containerPort}`;
    return [
      ...ports.slice(0, 1).map((port) => `${prefix}_PORT=${of(port)}`),
      ...ports.flatMap((port) => {
        const name = `${prefix}_PORT_${port.containerPort}_${port.protocol.toUpperCase()}`;
        return [
          `${name}=${of(port)}`,
          `${name}_ADDR=${address}`,
          `${name}_PORT=${port.containerPort}`,
          `${name}_PROTO=${port.protocol}`,
        ];
      }),
      `${prefix}_NAME=/${record.name}/${alias}`,
      ...container.env.filter((entry) => /^(?!HOME=|PATH=)[^=]+=/.test(entry)).map((entry) => `${prefix}_ENV_${entry}`),
    ];
  });
}

/** By number, TCP first. */
function portsOf(container: ContainerRecord): ContainerPort[] {
  const byNumber = (a: ContainerPort, b: ContainerPort) =>
    a.containerPort - b.containerPort || (a.protocol === 'tcp' ? -1 : 1);
  return exposedPorts(container.config).sort(byNumber);
}
