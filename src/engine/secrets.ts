import type { EngineApi } from '../api/engine-api.ts';
import type { Filters } from '../api/requests.ts';
import type { Secret, SecretSpec } from '../api/types/secret.ts';
import { IechorError } from '../common/error.ts';
import { newId } from '../common/id.ts';
import type { EngineContext } from './context.ts';
import { anyOf, checkFilters, labelsFit } from './filters.ts';

/** Secrets and configs are one thing but for what a client may see: the data of a config. */
export type SecretKind = 'secret' | 'config';

interface SecretRecord {
  readonly id: string;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Base64. */
  readonly data: string;
  readonly templating?: SecretSpec['Templating'];
}

const maxBytes = { secret: 500 * 1024, config: 1000 * 1024 } as const;

export async function createSecret(
  context: EngineContext,
  kind: SecretKind,
  { body }: Parameters<EngineApi['secretCreate']>[0],
): Promise<{ ID: string }> {
  const now = new Date().toISOString();
  const record: SecretRecord = {
    id: newId().slice(0, 25),
    version: 1,
    createdAt: now,
    updatedAt: now,
    name: checkedName(kind, body.Name),
    labels: { ...body.Labels },
    data: checkedData(kind, body),
    ...(body.Templating ? { templating: body.Templating } : {}),
  };
  if (context.store.owner(nameKey(kind, record.name)) !== undefined) {
    throw new IechorError('NAME_IN_USE', `${kind} ${record.name} already exists`, {
      hint: `remove it first: iechor ${kind} rm ${record.name}`,
    });
  }
  context.store.put(kind, record.id, record, [nameKey(kind, record.name)]);
  publish(context, { kind, action: 'create', record });
  return { ID: record.id };
}

export async function listSecrets(
  context: EngineContext,
  kind: SecretKind,
  { filters }: { readonly filters?: Filters | undefined },
): Promise<Secret[]> {
  checkFilters(filters, ['id', 'name', 'names', 'label']);
  return context.store
    .list<SecretRecord>(kind)
    .filter(
      (record) =>
        anyOf(filters, 'id', (id) => record.id.startsWith(id)) &&
        anyOf(filters, 'name', (name) => record.name.startsWith(name)) &&
        anyOf(filters, 'names', (name) => record.name === name) &&
        labelsFit(filters, record.labels),
    )
    .map((record) => toWire(kind, record));
}

export async function inspectSecret(context: EngineContext, kind: SecretKind, id: string): Promise<Secret> {
  return toWire(kind, find(context, kind, id));
}

export async function removeSecret(context: EngineContext, kind: SecretKind, id: string): Promise<void> {
  const record = find(context, kind, id);
  context.store.delete(kind, record.id);
  publish(context, { kind, action: 'remove', record });
}

/** Labels alone can change, as with Docker; `version` has to be the one that was read. */
export async function updateSecret(
  context: EngineContext,
  kind: SecretKind,
  { id, version, body }: Parameters<EngineApi['secretUpdate']>[0],
): Promise<void> {
  const record = find(context, kind, id);
  if (version !== record.version) throw new IechorError('WRONG_STATE', 'update out of sequence');
  const others = (body.Name && body.Name !== record.name) || (body.Data && body.Data !== record.data);
  if (others) throw new IechorError('BAD_REQUEST', 'only updates to Labels are allowed');
  const changed = {
    ...record,
    version: version + 1,
    labels: { ...body.Labels },
    updatedAt: new Date().toISOString(),
  };
  context.store.put(kind, record.id, changed, [nameKey(kind, record.name)]);
  publish(context, { kind, action: 'update', record: changed });
}

/** The content, for whoever hands it to a container. */
export async function secretData(context: EngineContext, id: string): Promise<{ Data: string }> {
  return { Data: find(context, 'secret', id).data };
}

function find(context: EngineContext, kind: SecretKind, nameOrId: string): SecretRecord {
  const exact = context.store.get<SecretRecord>(kind, nameOrId);
  const named = context.store.owner(nameKey(kind, nameOrId));
  const record = exact ?? (named === undefined ? undefined : context.store.get<SecretRecord>(kind, named));
  if (record) return record;
  const begun = context.store.list<SecretRecord>(kind).filter(({ id }) => nameOrId !== '' && id.startsWith(nameOrId));
  if (begun.length === 1 && begun[0]) return begun[0];
  throw new IechorError('NOT_FOUND', `${kind} ${nameOrId} not found`, {
    hint: `iechor ${kind} ls shows those there are`,
  });
}

const nameKey = (kind: SecretKind, name: string) => `${kind}-name:${name}`;

function checkedName(kind: SecretKind, name: string | undefined): string {
  if (name && name.length <= 64 && /^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$/.test(name)) return name;
  throw new IechorError('BAD_REQUEST', `invalid name for a ${kind}: ${JSON.stringify(name ?? '')}`, {
    hint: 'a name has up to 64 letters, digits, and -_. between them',
  });
}

function checkedData(kind: SecretKind, { Data = '', Driver }: SecretSpec): string {
  if (Driver?.Name) throw new IechorError('NOT_SUPPORTED', `${kind} drivers are not supported`);
  const bytes = Buffer.from(Data, 'base64').length;
  if (bytes >= (kind === 'secret' ? 1 : 0) && bytes <= maxBytes[kind]) return Data;
  throw new IechorError('BAD_REQUEST', `${kind} data must be larger than 0 and less than ${maxBytes[kind]} bytes`);
}

function toWire(kind: SecretKind, record: SecretRecord): Secret {
  return {
    ID: record.id,
    Version: { Index: record.version },
    CreatedAt: record.createdAt,
    UpdatedAt: record.updatedAt,
    Spec: {
      Name: record.name,
      Labels: { ...record.labels },
      ...(kind === 'config' ? { Data: record.data } : {}),
      ...(record.templating ? { Templating: record.templating } : {}),
    },
  };
}

function publish(
  context: EngineContext,
  { kind, action, record }: { readonly kind: SecretKind; readonly action: string; readonly record: SecretRecord },
): void {
  context.events.publish({ type: kind, action, id: record.id, attributes: { name: record.name } });
}
