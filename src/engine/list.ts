import type { EngineApi } from '../api/engine-api.ts';
import type { Filters } from '../api/requests.ts';
import type { ContainerSummary } from '../api/types/container.ts';
import { IechorError } from '../common/error.ts';
import type { ImageRecord } from '../image/types.ts';
import { type ContainerRecord, wireStatus } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { anyOf, checkFilters, flagOf, labelsFit, nameFits } from './filters.ts';
import { sizes } from './inspect.ts';
import { linkedNames } from './links.ts';
import { statusText } from './status-text.ts';
import { endpointSettings, mountPoints, portSummaries } from './wire-network.ts';

const known = `id name label label! status exited ancestor before since volume network publish expose health
  isolation is-task`.split(/\s+/);
const statuses = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];
const healths = ['none', 'starting', 'healthy', 'unhealthy'];

/** Newest first. Without `all`, a limit or a status filter only those that run. */
export async function listContainers(
  context: EngineContext,
  request: Parameters<EngineApi['containerList']>[0],
): Promise<ContainerSummary[]> {
  const { filters, limit } = request;
  checkFilters(filters, known);
  checkValues(filters);
  const all = request.all || (limit ?? 0) > 0 || (filters?.status?.length ?? 0) > 0;
  const fits = containerFilter(context, filters);
  const newestFirst = [...context.containers.list()].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  const linked = linkedNames(newestFirst);
  const imageOf = remembered((name: string) => context.images.find(name)?.id);
  const found = newestFirst.filter((record) => (all || isUp(record)) && fits(record));
  const now = Date.now();
  return Promise.all(
    found.slice(0, limit && limit > 0 ? limit : undefined).map(async (record) => ({
      ...summary(context, record, now),
      Image: imageOf(record.imageName) === record.image ? record.imageName : record.image,
      Names: [`/${record.name}`, ...(linked.get(record.id) ?? [])],
      ...(request.size ? await sizes(context, record) : {}),
    })),
  );
}

/** Throws BAD_REQUEST, in Docker's words, for a value that its filter cannot have. */
function checkValues(filters: Filters | undefined): void {
  for (const [name, kind, values] of [
    ['status', 'state', statuses],
    ['health', 'health', healths],
  ] as const) {
    const wrong = filters?.[name]?.find((value) => !values.includes(value));
    if (wrong === undefined) continue;
    throw bad(
      `invalid filter '${name}=${wrong}': invalid value for ${kind} (${wrong}): must be one of ${values.join(', ')}`,
    );
  }
  const code = filters?.exited?.find((value) => !/^[-+]?\d+$/.test(value));
  if (code !== undefined) throw bad(`invalid filter 'exited=${code}': ${notParsed('Atoi', code)}`);
  for (const name of ['publish', 'expose']) {
    const port = filters?.[name]?.find((value) => !/^\d+(-\d+)?(\/\w+)?$/.test(value));
    if (port !== undefined) throw bad(`error while looking up for ${name} ${port}: ${notParsed('ParseUint', port)}`);
  }
}

const bad = (message: string) => new IechorError('BAD_REQUEST', message);
const notParsed = (by: string, text: string) => `strconv.${by}: parsing ${JSON.stringify(text)}: invalid syntax`;

function isUp(record: ContainerRecord): boolean {
  return ['running', 'paused', 'restarting'].includes(record.status);
}

/** All but the names: those of the image are shown while they mean it, those of the container come from links, too. */
function summary(
  context: EngineContext,
  record: ContainerRecord,
  now: number,
): Omit<ContainerSummary, 'Names' | 'Image'> {
  const mode = record.body.HostConfig?.NetworkMode ?? '';
  return {
    Id: record.id,
    ImageID: record.image,
    Command: [record.path, ...record.args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' '),
    Created: Math.floor(Date.parse(record.createdAt) / 1000),
    Ports: portSummaries(context, record),
    Labels: { ...record.config.Labels },
    State: wireStatus(record),
    Status: statusText(record, now),
    HostConfig: {
      NetworkMode: mode === '' || mode === 'default' ? 'bridge' : mode,
      ...(record.body.HostConfig?.Annotations ? { Annotations: record.body.HostConfig.Annotations } : {}),
    },
    NetworkSettings: { Networks: listedEndpoints(context, record) },
    Mounts: mountPoints(context, record),
  };
}

/** The names of a container on its networks are told by inspect alone, as with Docker. */
function listedEndpoints(context: EngineContext, record: ContainerRecord): ReturnType<typeof endpointSettings> {
  const all = Object.entries(endpointSettings(context, record));
  return Object.fromEntries(all.map(([name, endpoint]) => [name, { ...endpoint, Aliases: null, DNSNames: null }]));
}

/** Looks each key up once: a list of many containers has few images. */
function remembered<T>(look: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    if (!known.has(key)) known.set(key, look(key));
    return known.get(key) as T;
  };
}

/** The filters of `ps` and of prune as one test. Throws BAD_REQUEST, CONTAINER_NOT_FOUND (before, since). */
export function containerFilter(
  context: EngineContext,
  filters: Filters | undefined,
): (record: ContainerRecord) => boolean {
  const createdAt = (name: string) => filters?.[name]?.map((other) => context.containers.get(other).createdAt);
  const before = createdAt('before');
  const since = createdAt('since');
  const isTask = flagOf(filters, 'is-task');
  const ancestors = filters?.ancestor?.flatMap((name) => context.images.find(name) ?? []);
  return (record) =>
    anyOf(filters, 'id', (id) => record.id.startsWith(id)) &&
    anyOf(filters, 'name', (name) => nameFits(name, record.name)) &&
    anyOf(filters, 'status', (status) => wireStatus(record) === status) &&
    anyOf(filters, 'exited', (code) => record.finishedAt !== '' && !isUp(record) && String(record.exitCode) === code) &&
    anyOf(filters, 'health', (health) => (record.health?.status ?? 'none') === health) &&
    anyOf(filters, 'volume', (volume) => mountFits(record, volume)) &&
    anyOf(filters, 'network', (network) => networkFits(context, record, network)) &&
    portsFit(context, filters, record) &&
    (!ancestors || ancestors.some((image) => descends(context, record, image))) &&
    (!before || before.some((time) => record.createdAt < time)) &&
    (!since || since.some((time) => record.createdAt > time)) &&
    isTask !== true &&
    labelsFit(filters, record.config.Labels ?? {});
}

function mountFits(record: ContainerRecord, wanted: string): boolean {
  return record.mounts.some((mount) => [mount.name, mount.source, mount.destination].includes(wanted));
}

function networkFits(context: EngineContext, record: ContainerRecord, wanted: string): boolean {
  return Object.entries(endpointSettings(context, record)).some(
    ([name, endpoint]) => name === wanted || endpoint.NetworkID?.startsWith(wanted),
  );
}

/** By the way from image to parent; of images that came without one by their layers, where it has more. */
function descends(context: EngineContext, record: ContainerRecord, image: ImageRecord): boolean {
  for (let id: string | undefined = record.image; id !== undefined; id = context.images.find(id)?.parent) {
    if (id === image.id) return true;
  }
  return record.chain.length > image.chain.length && record.chain[image.chain.length - 1] === image.chain.at(-1);
}

/** As Docker: `publish` is of ports of the host, `expose` of the container; one that fits either is enough. */
function portsFit(context: EngineContext, filters: Filters | undefined, record: ContainerRecord): boolean {
  const { publish = [], expose = [] } = filters ?? {};
  if (publish.length === 0 && expose.length === 0) return true;
  return portSummaries(context, record).some(
    ({ PublicPort = 0, PrivatePort, Type }) =>
      publish.some((filter) => inRange(filter, PublicPort, Type)) ||
      expose.some((filter) => inRange(filter, PrivatePort, Type)),
  );
}

/** `80`, `80/tcp` or `8000-8010/udp`. */
function inRange(filter: string, port: number, type: string): boolean {
  const [range = '', protocol = 'tcp'] = filter.split('/');
  const [first = Number.NaN, last = first] = range.split('-').map(Number);
  return protocol === type && port >= first && port <= last;
}
