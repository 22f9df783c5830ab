import { codeOf, IechorError } from '../common/error.ts';
import { shortId } from '../common/id.ts';
import { lettingGo, type ObjectStore, soon, type TransactionOptions } from '../common/object-store.ts';
import type { ContainerRecord } from './container-record.ts';
import type { Containers } from './context.ts';

/** Containers over the store: one document per id, names unique. */
export function createContainers(store: ObjectStore): Containers {
  const byId = (id: string) => store.get<ContainerRecord>('container', id);
  const present = (id: string): ContainerRecord => {
    const record = byId(id);
    if (record) return record;
    throw new IechorError('CONTAINER_NOT_FOUND', `No such container: ${id}`);
  };
  const find = (nameOrId: string): ContainerRecord | undefined => {
    const name = nameOrId.replace(/^\//, '');
    if (name === '') return undefined;
    const exact = byId(name);
    if (exact) return exact;
    const owner = store.owner(nameKey(name));
    if (owner !== undefined) return byId(owner);
    if (name.includes('/')) return byLink(name);
    return /^[0-9a-f]{1,64}$/.test(name) ? byPrefix(store, name) : undefined;
  };
  /** `web/db` is what the container `web` has a link to under the name `db`. */
  const byLink = (path: string) => {
    const [, holder = '', alias] = /^([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const link = find(holder)?.links?.find((one) => one.alias === alias);
    return link && byId(link.id);
  };
  const put = (record: ContainerRecord, options?: TransactionOptions) => {
    try {
      store.transaction(() => store.put('container', record.id, record, [nameKey(record.name)]), options);
    } catch (error) {
      if (codeOf(error) !== 'STATE_CONFLICT') throw error;
      throw nameInUse(record.name, store.owner(nameKey(record.name)), error);
    }
    return record;
  };
  return {
    list: () => store.list<ContainerRecord>('container'),
    find,
    get(nameOrId) {
      if (!nameOrId) throw new IechorError('BAD_REQUEST', 'invalid name or ID supplied: ""');
      const found = find(nameOrId);
      if (found) return found;
      throw new IechorError('CONTAINER_NOT_FOUND', `No such container: ${nameOrId}`, {
        hint: 'list all containers with: iechor ps -a',
      });
    },
    add: (record) => put(record, soon),
    update: (id, change) => put({ ...present(id), ...change }),
    note: (id, change, options = soon) => put({ ...present(id), ...change }, options),
    forget: (id) => store.transaction(() => store.delete('container', id), lettingGo),
  };
}

function nameKey(name: string): string {
  return `container-name:${name}`;
}

function byPrefix(store: ObjectStore, prefix: string): ContainerRecord | undefined {
  const found = store.list<ContainerRecord>('container').filter((record) => record.id.startsWith(prefix));
  if (found.length < 2) return found[0];
  throw new IechorError('BAD_REQUEST', `"${prefix}" is the beginning of ${found.length} container ids`, {
    hint: `give more digits: ${found.map((record) => shortId(record.id)).join(', ')}`,
  });
}

function nameInUse(name: string, owner: string | undefined, cause: unknown): IechorError {
  return new IechorError('NAME_IN_USE', `The container name "/${name}" is already in use by container "${owner}"`, {
    hint: `remove it (iechor rm ${name}), rename it, or choose another name`,
    cause,
  });
}
