import type { HostConfig } from '../api/types/host-config.ts';
import { IechorError } from '../common/error.ts';
import type { ContainerRecord, RecordLink } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { defaultNetwork, networkKind, parseLink } from './create-network.ts';
import { type LiveLink, reachableLinks } from './live-links.ts';
import { rewriteHosts } from './managed-files.ts';
import { processOf } from './process-of.ts';

/**
 * Containers that a new one is linked to by `HostConfig.Links`. On a network of the user's they may come later, and are
 * found by the endpoint's links. Throws BAD_REQUEST.
 */
export function resolveLinks(
  host: HostConfig | undefined,
  find: (name: string) => ContainerRecord | undefined,
): RecordLink[] {
  const mayComeLater = !/^(?:default|bridge|host|none|container:.*)?$/.test(host?.NetworkMode ?? '');
  return (host?.Links ?? []).flatMap((text) => {
    const { name, alias } = parseLink(text);
    const linked = find(name);
    if (!linked && mayComeLater) return [];
    if (!linked) throw bad(`could not get container for ${name}: No such container: ${name}`);
    if (networkKind(linked.body.HostConfig, linked.config) === 'host') {
      throw bad(
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
      );
    }
    return { alias, id: linked.id };
  });
}

/**
 * What a start writes about links into files and variables: on the default network, as Docker has it. Throws
 * WRONG_STATE where a linked container does not run, or is on no network of this one.
 */
export function linksInFiles(context: EngineContext, record: ContainerRecord): LiveLink[] {
  const links = record.links ?? [];
  if (links.length === 0) return [];
  for (const { alias, id } of links) {
    const container = context.containers.find(id);
    if (!container || processOf(context, container) !== undefined) continue;
    throw new IechorError(
      'WRONG_STATE',
      `Cannot link to a non running container: /${container.name} AS /${record.name}/${alias}`,
      { hint: `start it first: iechor start ${container.name}` },
    );
  }
  const live = reachableLinks(context, record);
  const lost = links.find(
    ({ id }) => context.containers.find(id) && !live.some(({ container }) => container.id === id),
  );
  if (!lost) return record.endpoints.some(({ network }) => network === defaultNetwork) ? live : [];
  const name = context.containers.find(lost.id)?.name ?? lost.id;
  throw new IechorError('WRONG_STATE', `Cannot link to /${name}, as it does not belong to a network of this container`);
}

/** A container runs, perhaps with another address: the hosts files of those that are linked to it follow. */
export function refreshLinked(context: EngineContext, record: ContainerRecord): void {
  for (const other of context.containers.list()) {
    if (other.pid !== 0 && other.links?.some(({ id }) => id === record.id)) rewriteHosts(context, other);
  }
}

/** Takes the link `container/alias` away; names and hosts entries go with the next start. Throws NOT_FOUND. */
export function removeLink(context: EngineContext, path: string): void {
  const [name = '', alias = ''] = path.replace(/^\//, '').split('/');
  const record = context.containers.get(name);
  const links = record.links ?? [];
  if (!links.some((link) => link.alias === alias)) throw new IechorError('NOT_FOUND', `No such link: ${path}`);
  context.containers.update(record.id, { links: links.filter((link) => link.alias !== alias) });
}

/** Names that links give to containers, as `ps` lists them (`/web/db`), by the id of the container. */
export function linkedNames(records: readonly ContainerRecord[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const record of records) {
    for (const { id, alias } of record.links ?? []) {
      names.set(id, [...(names.get(id) ?? []), `/${record.name}/${alias}`]);
    }
  }
  return names;
}

function bad(message: string): IechorError {
  return new IechorError('BAD_REQUEST', message);
}
