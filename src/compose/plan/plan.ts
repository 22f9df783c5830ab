import type { ContainerCreateBody, EndpointSettings } from '../../api/types/container.ts';
import type { BuildOptions } from '../../api/types/image.ts';
import type { NetworkCreateBody, VolumeCreateBody } from '../../api/types/network.ts';
import { formatSpan, type SourceSpan } from '../../common/diagnostic.ts';
import type { Difference } from './fingerprints.ts';

export type StepId = number;
/** `container:web:1`, `network:default`, `volume:data`, `image:web`: the same keys on the desired and observed side. */
export type ResourceKey = `${'container' | 'network' | 'volume' | 'image'}:${string}`;
/** Known now, or produced by an earlier step. */
export type ContainerRef = { readonly id: string } | { readonly createdBy: StepId };

/** A secret or config that is copied into the container before it starts. The content is read when the step runs. */
export interface DeliveredFile {
  readonly target: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly source: ContentSource;
}

export type ContentSource = { readonly file: string } | { readonly environment: string } | { readonly content: string };

/** One image build: where the context is, and the engine's options for it. */
export interface BuildSpec {
  readonly context: string;
  /** As written, relative to the context; undefined: the default names. */
  readonly dockerfile?: string;
  readonly inline?: string;
  readonly options: BuildOptions;
  /** Caches to take from and to write, as written. */
  readonly cacheFrom?: readonly string[];
  readonly cacheTo?: readonly string[];
  /** Directories and images that stand in for stages and images, by name. */
  readonly contexts?: Readonly<Record<string, { readonly directory: string } | { readonly image: string }>>;
  /** Secrets of RUN steps by id; read when the step runs. */
  readonly secrets?: readonly { readonly id: string; readonly source: ContentSource }[];
}

export type AwaitCondition = 'running' | 'healthy' | 'running-or-healthy' | 'completed';

/** One container that a rolling update replaces, with the steps that do it. */
export interface RolledReplica {
  readonly created: StepId;
  readonly started: StepId;
  /** Sees the new one work. */
  readonly proven: StepId;
  /** Stops the old one. */
  readonly stopped: StepId;
  /** Id of the old one. */
  readonly old: string;
  readonly target: ResourceKey;
  readonly label: string;
}

/** How containers that were replaced come back. */
export interface WayBack {
  readonly order: 'start-first' | 'stop-first';
  /** How many at once. */
  readonly parallelism: number;
  readonly delaySeconds: number;
  /** How long a container that is back is watched after it is healthy (or runs). */
  readonly monitorSeconds: number;
  /** Of those that come back, how many may fail before the rest stays as it is; undefined: any number. */
  readonly allowedFailures?: number;
}

/** A command that runs in a container of the service. */
export interface HookCommand {
  readonly command: readonly string[];
  readonly user?: string | undefined;
  readonly workingDirectory?: string | undefined;
  readonly privileged?: boolean | undefined;
  /** `NAME=value`. */
  readonly environment?: readonly string[] | undefined;
}

/** A command that runs in a container of its own before the service's starts. */
export interface PreStart {
  /** `pre_start[0]`, as errors name it. */
  readonly title: string;
  readonly name: string;
  readonly body: ContainerCreateBody;
  readonly files: readonly DeliveredFile[];
}

/** What a service has run around the starts and stops of its containers. */
export interface StepHooks {
  readonly service: string;
  readonly preStart?: readonly PreStart[];
  readonly postStart?: readonly HookCommand[];
  readonly preStop?: readonly HookCommand[];
}

/** What a step of each kind carries beyond StepCommon. A kind without a performer does not compile. */
export interface StepKinds {
  pullImage: { readonly image: string; readonly platform?: string; readonly optional?: boolean };
  pushImage: { readonly image: string; readonly optional?: boolean };
  buildImage: { readonly service: string; readonly build: BuildSpec };
  removeImage: { readonly image: string };
  createNetwork: { readonly body: NetworkCreateBody };
  /** `former`: what makes the network as it was, where a failure is to bring it back. */
  removeNetwork: { readonly network: string; readonly former?: NetworkCreateBody };
  createVolume: { readonly body: VolumeCreateBody };
  removeVolume: { readonly volume: string };
  createContainer: {
    readonly name: string;
    readonly body: ContainerCreateBody;
    readonly platform?: string;
    readonly files: readonly DeliveredFile[];
    /** The container it replaces, and the attributes that differ, where they can be told. */
    readonly replaces?: { readonly id: string; readonly attributes: readonly Difference[] };
  };
  startContainer: { readonly container: ContainerRef; readonly hooks?: StepHooks };
  stopContainer: { readonly container: ContainerRef; readonly timeoutSeconds?: number; readonly hooks?: StepHooks };
  /** Leads new connections of its shared ports away from a container, and lets its own end. */
  drainContainer: { readonly container: ContainerRef; readonly timeoutSeconds?: number };
  /** Between two batches of a rolling update: what comes after runs only if not too many of the new ones failed. */
  checkpoint: {
    readonly service: string;
    readonly replicas: readonly RolledReplica[];
    /** Undefined: any number. */
    readonly allowedFailures?: number;
    /** How those that were replaced come back after a failure; undefined: they do not. */
    readonly rollback: WayBack | undefined;
    readonly delaySeconds: number;
  };
  restartContainer: { readonly container: ContainerRef; readonly timeoutSeconds?: number; readonly hooks?: StepHooks };
  killContainer: { readonly container: ContainerRef; readonly signalName: string };
  pauseContainer: { readonly container: ContainerRef };
  unpauseContainer: { readonly container: ContainerRef };
  removeContainer: { readonly container: ContainerRef; readonly volumes: boolean; readonly force: boolean };
  renameContainer: { readonly container: ContainerRef; readonly name: string };
  /** Takes a container that does not run off a network, by its name. */
  disconnectContainer: { readonly container: ContainerRef; readonly network: string };
  /** Puts a container that does not run onto a network, by its name. */
  connectContainer: {
    readonly container: ContainerRef;
    readonly network: string;
    readonly endpoint: EndpointSettings;
  };
  await: {
    readonly container: ContainerRef;
    readonly until: AwaitCondition;
    /** Of a dependency that is not required: a failure is only told. */
    readonly optional?: true;
    readonly timeoutSeconds?: number;
    readonly monitorSeconds?: number;
  };
}
export type StepKind = keyof StepKinds;

/** All that the executor and the renderers know of a step. */
export interface StepCommon {
  readonly id: StepId;
  readonly kind: string;
  readonly target: ResourceKey;
  /** As people read it: `Container shop-web-1`. */
  readonly label: string;
  readonly reason: string;
  /** The place in the compose file the reason points at. */
  readonly because?: SourceSpan;
  readonly after: readonly StepId[];
  /** Steps that must have ended, in whatever way. */
  readonly settled?: readonly StepId[];
  /** Nothing that progress should tell of. */
  readonly quiet?: true;
}
export type StepOf<K extends StepKind> = StepCommon & { readonly kind: K } & StepKinds[K];
export type Step = { [K in StepKind]: StepOf<K> }[StepKind];
/** Steps in an order in which each comes after those it waits for. */
export type Plan = readonly Step[];

type Draft<K extends StepKind> = StepKinds[K] & {
  readonly target: ResourceKey;
  readonly label: string;
  readonly reason: string;
  readonly because?: SourceSpan | undefined;
  readonly after?: readonly (StepId | undefined)[];
  readonly settled?: readonly StepId[];
  readonly quiet?: true;
};

/** Collects steps; a step can only wait for steps added before it, so plans are acyclic by construction. */
export class PlanBuilder {
  readonly #steps: Step[] = [];

  /** Adds a step and returns its id. Undefined and repeated entries of `after` are dropped. */
  add<K extends StepKind>(kind: K, draft: Draft<K>): StepId {
    const id = this.#steps.length + 1;
    const { after = [], because, ...rest } = draft;
    const known = after.filter((entry): entry is StepId => entry !== undefined && entry < id);
    const sorted = [...new Set(known)].sort((a, b) => a - b);
    this.#steps.push({ id, kind, ...rest, ...(because && { because }), after: sorted } as unknown as Step);
    return id;
  }

  build(): Plan {
    return this.#steps;
  }
}

/**
 * The plan as `--dry-run` prints it: number, kind, resource, reason with its place, and what the step waits for.
 * Places are shown relative to `directory`.
 */
export function renderPlan(plan: Plan, directory = ''): string {
  if (plan.length === 0) return 'nothing to do\n';
  const idWidth = Math.max(3, String(plan.length).length);
  const kindWidth = Math.max(...plan.map((step) => step.kind.length));
  const targetWidth = Math.max(...plan.map((step) => step.target.length));
  const lines = plan.map((step) => {
    const place = step.because ? ` (${renderPlace(step.because, directory)})` : '';
    const waits = [...step.after, ...(step.settled ?? [])];
    const after = waits.length > 0 ? `  (after ${runsOf(waits)})` : '';
    const head = `${String(step.id).padStart(idWidth)}  ${step.kind.padEnd(kindWidth)}  ${step.target.padEnd(targetWidth)}`;
    return `${head}  ${step.reason}${place}${after}`;
  });
  return `${lines.join('\n')}\n`;
}

/** `1, 3-7, 9`. */
function runsOf(ids: readonly StepId[]): string {
  const runs: [first: StepId, last: StepId][] = [];
  for (const id of ids) {
    const run = runs.at(-1);
    if (run && run[1] === id - 1) run[1] = id;
    else runs.push([id, id]);
  }
  return runs
    .map(([first, last]) => (last - first > 1 ? `${first}-${last}` : first === last ? first : `${first}, ${last}`))
    .join(', ');
}

/** `compose.yaml:5`, relative to a directory. */
export function renderPlace(span: SourceSpan, directory: string): string {
  const { file, line } = span;
  const short = directory !== '' && file.startsWith(`${directory}/`) ? file.slice(directory.length + 1) : file;
  return formatSpan({ file: short, line, column: 1 }).replace(/:1$/, '');
}
