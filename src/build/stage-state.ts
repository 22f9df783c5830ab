import type { ChainId, Digest, HistoryEntry, ImageConfig, ImageRunConfig } from '../image/types.ts';

/** A stage as far as it is built: what the next instruction finds. Owned by the stage that builds it. */
export interface StageState {
  /** What RUN sees: ENV and ARG, the later one winning. */
  readonly env: Map<string, string>;
  /** Arguments declared so far, for RUN's history. */
  readonly declared: Set<string>;
  readonly config: ImageRunConfig;
  author: string | undefined;
  readonly chain: ChainId[];
  readonly diffIds: Digest[];
  /** Key of the last step that made a layer; before the first, the layers the stage began with. */
  stepKey: string;
  readonly history: HistoryEntry[];
  /** Time of the last layer, which later entries of the history carry. */
  layerTime: string | undefined;
  readonly architecture: string;
  readonly os: string;
  readonly variant: string | undefined;
  /** CMD stood in this stage, so ENTRYPOINT does not clear it. */
  cmdSet: boolean;
  /** The image the stage began with. */
  readonly baseImage: Digest | undefined;
  /** Of classic builds: the image that it has come to. */
  image: Digest | undefined;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const splitEnv = (entry: string): [string, string] => {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
};

/** FROM scratch. */
export function emptyState(platform: Platform): StageState {
  const { os, architecture, variant } = platform;
  return withDefaults(
    stateOf({ architecture, os, ...(variant && { variant }), rootfs: { type: 'layers', diff_ids: [] } }, [], undefined),
  );
}

/** FROM an image. */
export function imageState(image: { id: string; chain: readonly ChainId[]; config: ImageConfig }): StageState {
  return withDefaults(stateOf(image.config, image.chain, image.id as Digest));
}

/** FROM another stage. ONBUILD is not handed on, and neither is that CMD was set. */
export function childState(parent: StageState): StageState {
  const config = structuredClone(parent.config);
  delete config.OnBuild;
  const state: StageState = {
    ...parent,
    env: new Map(parent.env),
    declared: new Set(parent.declared),
    config,
    chain: [...parent.chain],
    diffIds: [...parent.diffIds],
    history: [...parent.history],
    cmdSet: false,
  };
  return withDefaults(state);
}

function stateOf(image: ImageConfig, chain: readonly ChainId[], id: Digest | undefined): StageState {
  return {
    env: new Map(),
    declared: new Set(),
    config: structuredClone(image.config ?? {}),
    author: image.author,
    chain: [...chain],
    diffIds: [...image.rootfs.diff_ids],
    stepKey: chain.at(-1) ?? 'scratch',
    history: [...(image.history ?? [])],
    layerTime: image.created ?? image.history?.findLast((entry) => entry.created)?.created,
    architecture: image.architecture,
    os: image.os,
    variant: image.variant,
    cmdSet: false,
    baseImage: id,
    image: id,
  };
}

function withDefaults(state: StageState): StageState {
  const env = (state.config.Env ?? []).map(splitEnv);
  if (!env.some(([name]) => name === 'PATH')) setImageEnv(state, 'PATH', defaultPath);
  for (const [name, value] of (state.config.Env ?? []).map(splitEnv)) state.env.set(name, value);
  return state;
}

/** Whether ENV sets it, here or in the base image. */
export const isVariable = ({ config }: StageState, name: string): boolean =>
  (config.Env ?? []).some((entry) => splitEnv(entry)[0] === name);

/** ENV: for the image and for what follows. */
export function setImageEnv(state: StageState, name: string, value: string): void {
  const env = state.config.Env ?? [];
  const entry = `${name}=${value}`;
  const at = env.findIndex((candidate) => splitEnv(candidate)[0] === name);
  state.config.Env = at < 0 ? [...env, entry] : env.with(at, entry);
  state.env.set(name, value);
}

const comment = 'buildkit.dockerfile.v0';

export function addHistory(state: StageState, createdBy: string, layer?: { createdAt: string }): void {
  if (layer) state.layerTime = layer.createdAt;
  state.history.push({
    ...(state.layerTime !== undefined && { created: state.layerTime }),
    created_by: createdBy,
    comment,
    ...(!layer && { empty_layer: true }),
  });
}

/** Clients name labels in an order of no meaning, which differs from build to build. */
function inOrder<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The image that the state amounts to; the same bytes for the same steps, so a cached build gives the same id. With
 * `epoch` (seconds since 1970) it is made at that moment, and nothing of its history later.
 */
export function imageOf(state: StageState, labels: Readonly<Record<string, string>>, epoch?: number): ImageConfig {
  const config = structuredClone(state.config);
  // As Docker, which knows no empty command.
  if (config.Cmd?.length === 0) delete config.Cmd;
  if (config.Entrypoint?.length === 0) delete config.Entrypoint;
  if (config.Labels || Object.keys(labels).length > 0) config.Labels = inOrder({ ...config.Labels, ...labels });
  if (config.ExposedPorts) config.ExposedPorts = inOrder(config.ExposedPorts);
  if (config.Volumes) config.Volumes = inOrder(config.Volumes);
  const moment = epoch === undefined ? undefined : new Date(epoch * 1000).toISOString();
  const created = moment ?? state.layerTime;
  const history = state.history.map((entry) => {
    const later = moment !== undefined && Date.parse(entry.created ?? '') > Date.parse(moment);
    return later ? { ...entry, created: moment } : entry;
  });
  return {
    ...(created !== undefined && { created }),
    ...(state.author !== undefined && { author: state.author }),
    architecture: state.architecture,
    ...(state.variant !== undefined && { variant: state.variant }),
    os: state.os,
    config,
    rootfs: { type: 'layers', diff_ids: [...state.diffIds] },
    history,
  };
}
