import type { EngineApi } from '../../api/engine-api.ts';
import type { ContainerStatus, ContainerSummary, MountPoint, PortSummary } from '../../api/types/container.ts';
import type { NetworkInspect, Volume } from '../../api/types/network.ts';
import { codeOf } from '../../common/error.ts';
import { type DependencyLabel, labels, parseDependencyLabel } from './labels.ts';
import { familiarReference } from './names.ts';

/** One container of the project, as the engine's list tells it. */
export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly number: number;
  readonly oneoff: boolean;
  readonly state: ContainerStatus;
  readonly health: 'starting' | 'healthy' | 'unhealthy' | undefined;
  /** Of a container that has exited. */
  readonly exitCode: number | undefined;
  readonly image: string;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly dependencies: readonly DependencyLabel[];
  /** Name to id of its networks. */
  readonly networks: Readonly<Record<string, string>>;
  readonly mounts: readonly MountPoint[];
  readonly ports: readonly PortSummary[];
  readonly summary: ContainerSummary;
}
export interface ObservedImage {
  readonly id: string;
  /** Seconds since the name was given to it; only looked up where it matters. */
  readonly ageSeconds?: number;
  /** The service it was built for, as its labels have it; only looked up where it matters. */
  readonly builtFor?: string;
}

/** What the engine has. Networks and volumes are all there are, so that name clashes with others are seen. */
export interface Observed {
  readonly project: string;
  readonly containers: readonly ObservedContainer[];
  readonly networks: readonly NetworkInspect[];
  readonly volumes: readonly Volume[];
  /** By the reference asked for; a reference that is missing is not in the store. */
  readonly images: ReadonlyMap<string, ObservedImage>;
  /** True where the engine balances a fixed port over containers; only asked where it matters. */
  readonly balances?: boolean | undefined;
}

export interface ObserveOptions {
  readonly images?: readonly string[];
  /** Of these images also the age. */
  readonly dated?: readonly string[];
  /** Ask whether the engine balances ports. */
  readonly balances?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** Looks at the engine: one list call for each kind of resource, side by side. */
export async function observe(engine: EngineApi, project: string, options: ObserveOptions): Promise<Observed> {
  const { signal, images = [], dated = [] } = options;
  const [containers, networks, volumes, found, ping] = await Promise.all([
    observeContainers(engine, project, signal),
    engine.networkList({ signal }),
    engine.volumeList({ signal }),
    observeImages(engine, [...new Set(images)], signal),
    options.balances ? engine.systemPing({ signal }) : undefined,
  ]);
  const aged = await withAges(engine, found, { dated, signal });
  const balances = ping?.server.startsWith('iEchor/') ?? false;
  return { project, containers, networks, volumes: volumes.Volumes ?? [], images: aged, balances };
}

/** Containers of a project, one-off ones included, sorted by service and number. */
export async function observeContainers(
  engine: EngineApi,
  project: string,
  signal: AbortSignal,
): Promise<ObservedContainer[]> {
  const found = await engine.containerList({ all: true, filters: { label: [`${labels.project}=${project}`] }, signal });
  return found
    .map(observedContainer)
    .filter((container) => container.service !== '' && container.state !== 'removing')
    .sort((a, b) =>
      a.service === b.service ? a.number - b.number || (a.name < b.name ? -1 : 1) : a.service < b.service ? -1 : 1,
    );
}

/** Whether it runs, in whatever way. */
export const isLive = (container: ObservedContainer): boolean =>
  container.state === 'running' || container.state === 'restarting' || container.state === 'paused';

/** A list entry in our words. */
export function observedContainer(summary: ContainerSummary): ObservedContainer {
  const own = summary.Labels ?? {};
  const health = /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(summary.Status)?.[1];
  const exit = /^Exited \((\d+)\)/.exec(summary.Status)?.[1];
  return {
    id: summary.Id,
    name: nameOf(summary.Names),
    service: own[labels.service] ?? '',
    number: Number(own[labels.number] ?? 1),
    oneoff: own[labels.oneoff] === 'True',
    state: summary.State,
    health: health as ObservedContainer['health'],
    exitCode: exit === undefined ? undefined : Number(exit),
    image: summary.Image,
    imageId: summary.ImageID,
    labels: own,
    dependencies: parseDependencyLabel(own[labels.dependsOn]),
    networks: Object.fromEntries(
      Object.entries(summary.NetworkSettings?.Networks ?? {}).map(([name, end]) => [name, end.NetworkID ?? '']),
    ),
    mounts: summary.Mounts ?? [],
    ports: summary.Ports ?? [],
    summary,
  };
}

/** The container's own name; further ones are links of others (`/web/db`). */
function nameOf(names: readonly string[]): string {
  const own = names.find((name) => name.lastIndexOf('/') <= 0) ?? names[0] ?? '';
  return own.replace(/^\//, '');
}

async function withAges(
  engine: EngineApi,
  images: Map<string, ObservedImage>,
  { dated, signal }: { readonly dated: readonly string[]; readonly signal: AbortSignal },
): Promise<Map<string, ObservedImage>> {
  const out = new Map(images);
  for (const name of new Set(dated)) {
    const image = images.get(name);
    if (!image) continue;
    const { Metadata } = await engine.imageInspect({ name, signal });
    const since = Date.parse(Metadata?.LastTagTime ?? '');
    if (since > 0) out.set(name, { ...image, ageSeconds: (Date.now() - since) / 1000 });
  }
  return out;
}

/** One list for all references; only those it does not answer (digests, ids, what is missing) are looked up one by one. */
async function observeImages(
  engine: EngineApi,
  references: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, ObservedImage>> {
  if (references.length === 0) return new Map();
  const listed = await engine.imageList({ filters: { reference: references.map(familiarReference) }, signal });
  const byTag = new Map(
    listed.flatMap((image) => (image.RepoTags ?? []).map((tag) => [familiarReference(tag), image.Id])),
  );
  const entries = await Promise.all(
    references.map(async (reference): Promise<[string, ObservedImage][]> => {
      const id = byTag.get(familiarReference(reference)) ?? (await inspectedId(engine, reference, signal));
      return id === undefined ? [] : [[reference, { id }]];
    }),
  );
  return new Map(entries.flat());
}

async function inspectedId(engine: EngineApi, name: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await engine.imageInspect({ name, signal })).Id;
  } catch (error) {
    if (codeOf(error) === 'IMAGE_NOT_FOUND' || codeOf(error) === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** The images that were built for a project, by the first of their names. */
export async function observeBuilt(
  engine: EngineApi,
  project: string,
  signal: AbortSignal,
): Promise<Map<string, ObservedImage>> {
  const filters = { label: [`${labels.project}=${project}`], dangling: ['false'] };
  const images = await engine.imageList({ filters, signal });
  return new Map(
    images.flatMap(({ Id: id, RepoTags: [name], Labels }) =>
      name === undefined ? [] : [[name, { id, builtFor: Labels?.[labels.service] ?? '' }] as const],
    ),
  );
}
