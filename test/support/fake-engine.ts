import type { EngineApi } from '../../src/api/engine-api.ts';
import type { Filters } from '../../src/api/requests.ts';
import type { CreationFault } from '../../src/api/types/check.ts';
import type {
  ContainerCreateBody,
  ContainerInspect,
  ContainerStatus,
  ContainerSummary,
  EndpointSettings,
} from '../../src/api/types/container.ts';
import type { NetworkInspect, Volume } from '../../src/api/types/network.ts';
import type { EventMessage } from '../../src/api/types/system.ts';
import { IechorError } from '../../src/common/error.ts';

export interface FakeContainer {
  readonly id: string;
  name: string;
  readonly body: ContainerCreateBody;
  readonly imageId: string;
  state: ContainerStatus;
  health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  exitCode: number;
  readonly networks: Record<string, string>;
  /** How it is connected to each. */
  readonly ends: Record<string, EndpointSettings>;
  readonly mounts: { Type: string; Name?: string; Source: string; Destination: string }[];
  output: string;
}

/** How a container behaves once started, chosen by its image. Default: it runs, healthy at once. */
export interface Behaviour {
  readonly exit?: number;
  readonly unhealthy?: boolean;
  readonly output?: string;
  /** The start fails with this error. */
  readonly startError?: IechorError;
}

export interface FakeEngine {
  readonly api: EngineApi;
  readonly containers: Map<string, FakeContainer>;
  readonly networks: Map<string, NetworkInspect>;
  readonly volumes: Map<string, Volume>;
  /** Reference to image id. */
  readonly images: Map<string, string>;
  readonly behaviours: Map<string, Behaviour>;
  /** Whose engine it says it is: iechord by `iEchor/0.0`. */
  server: string;
  /** Operations in the order they were called, `containerStart shop-web-1`. */
  readonly calls: string[];
  /** What `creationsCheck` answers. */
  readonly faults: CreationFault[];
}

/** Objects and state transitions of an engine, in memory: no processes, no networking. */
export function createFakeEngine(
  images: Readonly<Record<string, string>> = { 'busybox:latest': 'sha256:b0b0' },
): FakeEngine {
  const engine: FakeEngine & { listeners: Set<(event: EventMessage) => void>; serial: number } = {
    api: undefined as unknown as EngineApi,
    containers: new Map(),
    networks: new Map(),
    volumes: new Map(),
    images: new Map(Object.entries(images)),
    behaviours: new Map(),
    server: 'Docker/28.0.0',
    calls: [],
    faults: [],
    listeners: new Set(),
    serial: 0,
  };
  const operations = { ...containerOperations(engine), ...resourceOperations(engine), ...systemOperations(engine) };
  const api = new Proxy(operations, {
    get(target, op: string) {
      const run = (target as Record<string, unknown>)[op];
      if (typeof run === 'function') return run;
      return () => {
        throw new IechorError('NOT_SUPPORTED', `the fake engine has no ${op}`);
      };
    },
  });
  return Object.assign(engine, { api: api as unknown as EngineApi });
}

type State = FakeEngine & { listeners: Set<(event: EventMessage) => void>; serial: number };

const newId = (state: State): string => (state.serial++).toString(16).padStart(12, 'c').padEnd(64, 'c');

function find(state: State, id: string): FakeContainer {
  const found = [...state.containers.values()].find((one) => one.id === id || one.name === id || one.id.startsWith(id));
  if (!found) throw new IechorError('CONTAINER_NOT_FOUND', `no such container: ${id}`);
  return found;
}

function emit(state: State, container: FakeContainer, action: string): void {
  const time = Date.now();
  const attributes = { ...container.body.Labels, name: container.name, exitCode: String(container.exitCode) };
  const event: EventMessage = {
    Type: 'container',
    Action: action,
    Actor: { ID: container.id, Attributes: attributes },
    scope: 'local',
    time: time / 1000,
    timeNano: time * 1e6,
  };
  for (const listener of state.listeners) listener(event);
}

const matches = (labels: Readonly<Record<string, string>>, filters: Filters | undefined): boolean =>
  (filters?.label ?? []).every((wanted) => {
    const [key = '', value] = wanted.split(/=(.*)/s);
    return value === undefined ? key in labels : labels[key] === value;
  });

function containerOperations(state: State): Partial<EngineApi> {
  const note = (op: string, container: FakeContainer) => state.calls.push(`${op} ${container.name}`);
  const end = (container: FakeContainer, code: number) => {
    container.state = 'exited';
    container.exitCode = code;
    emit(state, container, 'die');
  };
  return {
    containerList: async ({ all, filters }) =>
      [...state.containers.values()]
        .filter((one) => (all || one.state === 'running') && matches(one.body.Labels ?? {}, filters))
        .map(summary),
    async containerCreate({ name = '', body }) {
      if ([...state.containers.values()].some((one) => one.name === name))
        throw new IechorError('NAME_IN_USE', `name ${name} is taken`);
      const imageId = state.images.get(body.Image ?? '');
      if (imageId === undefined) throw new IechorError('IMAGE_NOT_FOUND', `no such image: ${body.Image}`);
      const id = newId(state);
      const container: FakeContainer = {
        id,
        name,
        body,
        imageId,
        state: 'created',
        health: 'none',
        exitCode: 0,
        output: '',
        networks: {},
        ends: {},
        mounts: mountsOf(state, body),
      };
      for (const network of Object.keys(body.NetworkingConfig?.EndpointsConfig ?? {})) {
        const found = state.networks.get(network);
        if (!found) throw new IechorError('NETWORK_NOT_FOUND', `no such network: ${network}`);
        container.networks[network] = found.Id;
        container.ends[network] = body.NetworkingConfig?.EndpointsConfig?.[network] ?? {};
      }
      state.containers.set(id, container);
      note('containerCreate', container);
      return { Id: id, Warnings: [] };
    },
    async containerStart({ id }) {
      const container = find(state, id);
      note('containerStart', container);
      const behaviour = state.behaviours.get(container.body.Image ?? '') ?? {};
      if (behaviour.startError) throw behaviour.startError;
      container.state = 'running';
      container.output += behaviour.output ?? '';
      if (container.body.Healthcheck) container.health = behaviour.unhealthy ? 'unhealthy' : 'healthy';
      emit(state, container, 'start');
      if (behaviour.exit !== undefined) end(container, behaviour.exit);
    },
    async containerDrain({ id }) {
      note('containerDrain', find(state, id));
    },
    async containerStop({ id }) {
      const container = find(state, id);
      note('containerStop', container);
      if (container.state === 'running' || container.state === 'paused') end(container, 0);
    },
    async containerRestart({ id }) {
      const container = find(state, id);
      note('containerRestart', container);
      container.state = 'running';
    },
    async containerKill({ id }) {
      const container = find(state, id);
      note('containerKill', container);
      end(container, 137);
    },
    async containerPause({ id }) {
      find(state, id).state = 'paused';
    },
    async containerUnpause({ id }) {
      find(state, id).state = 'running';
    },
    async containerRename({ id, name }) {
      const container = find(state, id);
      if ([...state.containers.values()].some((one) => one.name === name))
        throw new IechorError('NAME_IN_USE', `name ${name} is taken`);
      note('containerRename', container);
      container.name = name;
    },
    async containerRemove({ id, force, v }) {
      const container = find(state, id);
      if (container.state === 'running' && !force) throw new IechorError('WRONG_STATE', `${container.name} runs`);
      note('containerRemove', container);
      state.containers.delete(container.id);
      if (v) for (const mount of container.mounts) if (!mount.Source && mount.Name) state.volumes.delete(mount.Name);
      emit(state, container, 'destroy');
    },
    containerInspect: async ({ id }) => inspect(find(state, id)),
    containerWait: async ({ id }) => ({ StatusCode: find(state, id).exitCode }),
    async *containerLogs({ id }) {
      const { output } = find(state, id);
      if (output !== '') yield { stream: 'stdout' as const, data: Buffer.from(output) };
    },
    containerArchivePut: async ({ id, body }) => {
      const container = find(state, id);
      note('containerArchivePut', container);
      for await (const _ of body); // the bytes are not looked at
    },
  };
}

/** Mounts of a new container; anonymous volumes get a name, as the engine gives them one. */
function mountsOf(state: State, body: ContainerCreateBody): FakeContainer['mounts'] {
  const volume = (Name: string, Destination: string) => {
    if (!state.volumes.has(Name)) state.volumes.set(Name, fakeVolume(Name, {}));
    return { Type: 'volume', Name, Source: 'named', Destination };
  };
  const binds = (body.HostConfig?.Binds ?? []).map((bind) => {
    const [source = '', target = ''] = bind.split(':');
    return source.startsWith('/') ? { Type: 'bind', Source: source, Destination: target } : volume(source, target);
  });
  const mounts = (body.HostConfig?.Mounts ?? []).map((mount) => {
    if (mount.Type !== 'volume') return { Type: mount.Type, Source: mount.Source ?? '', Destination: mount.Target };
    if (mount.Source !== undefined) return volume(mount.Source, mount.Target);
    const Name = newId(state).replace('c', 'a');
    return { ...volume(Name, mount.Target), Source: '' };
  });
  return [...binds, ...mounts];
}

const fakeVolume = (Name: string, Labels: Record<string, string>): Volume => ({
  Name,
  Driver: 'local',
  Mountpoint: `/volumes/${Name}`,
  CreatedAt: '2026-01-01T00:00:00Z',
  Labels,
  Scope: 'local',
  Options: null,
});

function summary(container: FakeContainer): ContainerSummary {
  const { body, state, health, exitCode } = container;
  const words =
    state === 'running'
      ? `Up 1 second${health === 'none' ? '' : ` (${health})`}`
      : state === 'exited'
        ? `Exited (${exitCode}) 1 second ago`
        : state;
  const ports = state === 'running' ? Object.entries(body.HostConfig?.PortBindings ?? {}) : [];
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: body.Image ?? '',
    ImageID: container.imageId,
    Command: (body.Cmd ?? []).join(' '),
    Created: 0,
    Ports: ports.flatMap(([key, bindings]) =>
      (bindings ?? []).map(({ HostIp = '', HostPort = '' }) => ({
        IP: HostIp,
        PrivatePort: Number(key.split('/')[0]),
        PublicPort: Number(HostPort),
        Type: key.split('/')[1] ?? '',
      })),
    ),
    Labels: body.Labels ?? {},
    State: state,
    Status: words,
    HostConfig: { NetworkMode: 'default', Annotations: body.HostConfig?.Annotations ?? null },
    NetworkSettings: {
      Networks: Object.fromEntries(
        Object.entries(container.networks).map(([name, NetworkID]) => [
          name,
          { NetworkID, IPAddress: body.NetworkingConfig?.EndpointsConfig?.[name]?.IPAMConfig?.IPv4Address ?? '' },
        ]),
      ),
    },
    Mounts: container.mounts.map((mount) => ({ ...mount, Mode: '', RW: true, Propagation: '' })),
  };
}

function inspect(container: FakeContainer): ContainerInspect {
  const { state, health, exitCode } = container;
  return {
    Id: container.id,
    Name: `/${container.name}`,
    Image: container.imageId,
    Config: container.body,
    NetworkSettings: { Networks: container.ends },
    State: {
      Status: state,
      Running: state === 'running',
      Paused: state === 'paused',
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: state === 'running' ? 1 : 0,
      ExitCode: exitCode,
      Error: '',
      StartedAt: '',
      FinishedAt: '',
      ...(health !== 'none' && { Health: healthOf(health) }),
    },
  } as unknown as ContainerInspect;
}

function healthOf(health: FakeContainer['health']) {
  const failed = health === 'unhealthy' ? 3 : 0;
  const log = Array.from({ length: failed }, () => ({ ExitCode: 1, Output: 'HTTP 500: <html>\n</html>' }));
  return { Status: health, FailingStreak: failed, Log: log };
}

function resourceOperations(state: State): Partial<EngineApi> {
  return {
    creationsCheck: async () => [...state.faults],
    portHolders: async ({ ports }) =>
      ports.flatMap((Port) => (Port.endsWith(':9') ? [{ Port, Holder: 'process 7 (discard)' }] : [])),
    networkList: async () => [...state.networks.values()],
    async networkCreate({ body }) {
      const Id = newId(state);
      state.calls.push(`networkCreate ${body.Name}`);
      state.networks.set(body.Name, {
        Name: body.Name,
        Id,
        Driver: body.Driver ?? 'bridge',
        Labels: body.Labels ?? {},
      } as NetworkInspect);
      return { Id, Warning: '' };
    },
    async networkConnect({ id, body }) {
      const found = [...state.networks.values()].find(({ Id, Name }) => Id === id || Name === id);
      if (!found) throw new IechorError('NETWORK_NOT_FOUND', `no such network: ${id}`);
      const container = find(state, body.Container);
      if (found.Name in container.networks)
        throw new IechorError('WRONG_STATE', `${container.name} is on ${id} already`);
      state.calls.push(`networkConnect ${found.Name} ${container.name}`);
      container.networks[found.Name] = found.Id;
      container.ends[found.Name] = body.EndpointConfig ?? {};
    },
    async networkDisconnect({ id, body }) {
      const container = find(state, body.Container);
      const found = [...state.networks.values()].find(({ Id, Name }) => Id === id || Name === id);
      state.calls.push(`networkDisconnect ${id} ${container.name}`);
      delete container.networks[found?.Name ?? id];
      delete container.ends[found?.Name ?? id];
    },
    async networkRemove({ id }) {
      const found = [...state.networks.values()].find(({ Id, Name }) => Id === id || Name === id);
      if (!found) throw new IechorError('NETWORK_NOT_FOUND', `no such network: ${id}`);
      const users = [...state.containers.values()].filter((one) => found.Name in one.networks);
      if (users.length > 0) throw new IechorError('IN_USE', `${found.Name} has endpoints`);
      state.calls.push(`networkRemove ${found.Name}`);
      state.networks.delete(found.Name);
    },
    volumeList: async () => ({ Volumes: [...state.volumes.values()], Warnings: null }),
    async volumeCreate({ body }) {
      const created = fakeVolume(body.Name ?? newId(state), body.Labels ?? {});
      state.calls.push(`volumeCreate ${created.Name}`);
      state.volumes.set(created.Name, created);
      return created;
    },
    async volumeRemove({ name }) {
      if (!state.volumes.has(name)) throw new IechorError('VOLUME_NOT_FOUND', `no such volume: ${name}`);
      if ([...state.containers.values()].some((one) => one.mounts.some((mount) => mount.Name === name)))
        throw new IechorError('IN_USE', `${name} is in use`);
      state.calls.push(`volumeRemove ${name}`);
      state.volumes.delete(name);
    },
    imageList: async ({ filters }) =>
      [...state.images]
        .filter(([tag]) => !filters?.reference || filters.reference.includes(tag))
        .map(([tag, Id]) => ({ Id, RepoTags: [tag] }) as never),
    async imageInspect({ name }) {
      const Id = state.images.get(name) ?? [...state.images.values()].find((id) => id === name);
      if (Id === undefined) throw new IechorError('IMAGE_NOT_FOUND', `no such image: ${name}`);
      return { Id, RepoTags: [name] } as never;
    },
    async imageRemove({ name }) {
      if (!state.images.delete(name)) throw new IechorError('IMAGE_NOT_FOUND', `no such image: ${name}`);
      return [];
    },
    async *imageCreate({ fromImage, tag }) {
      state.calls.push(`imageCreate ${fromImage}:${tag}`);
      state.images.set(`${fromImage}:${tag}`, `sha256:${newId(state)}`);
      yield { status: 'Pulled' };
    },
  };
}

function systemOperations(state: State): Partial<EngineApi> {
  return {
    systemPing: async () => ({ apiVersion: '1.50', server: state.server, builderVersion: '2' }),
    async *systemEvents({ filters, signal }) {
      const queue: EventMessage[] = [];
      let wake = () => {};
      const listener = (event: EventMessage) => {
        if (!matches(event.Actor.Attributes, filters)) return;
        if (filters?.event && !filters.event.includes(event.Action)) return;
        queue.push(event);
        wake();
      };
      state.listeners.add(listener);
      signal?.addEventListener('abort', () => wake());
      try {
        while (!signal?.aborted) {
          const next = queue.shift();
          if (next) yield next;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        state.listeners.delete(listener);
      }
    },
  };
}
