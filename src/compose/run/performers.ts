import type { EngineApi } from '../../api/engine-api.ts';
import type { EndpointSettings } from '../../api/types/container.ts';
import { codeOf, messageOf } from '../../common/error.ts';
import type { ContainerRef, StepHooks, StepOf } from '../plan/plan.ts';
import { withSeccompProfiles } from '../seccomp-profiles.ts';
import type { BuildContexts } from '../session.ts';
import { awaitContainer } from './await-container.ts';
import { buildImage } from './build-image.ts';
import { checkpoint } from './checkpoint.ts';
import { deliverFiles } from './deliver-files.ts';
import type { Performers, StepContext, StepResult } from './execute.ts';
import { runHooks, runPreStarts, runPreStop } from './hooks.ts';
import { followMessages } from './messages.ts';
import { pullImage, splitReference } from './pull-image.ts';
import type { Watcher } from './watcher.ts';

export interface PerformerOptions {
  readonly engine: EngineApi;
  readonly watcher: Watcher;
  /** Where secrets and configs with an `environment` source come from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly buildContexts?: BuildContexts | undefined;
}

/** What each kind of step does, in calls of the engine. A kind without a performer does not compile. */
export function createPerformers(options: PerformerOptions): Performers {
  return { ...imagePerformers(options), ...resourcePerformers(options), ...containerPerformers(options) };
}

type ImageKind = 'pullImage' | 'pushImage' | 'buildImage' | 'removeImage';
type ResourceKind = 'createNetwork' | 'removeNetwork' | 'createVolume' | 'removeVolume';

function imagePerformers({ engine, environment, buildContexts }: PerformerOptions): Pick<Performers, ImageKind> {
  return {
    pullImage: (step, context) => pull(engine, step, context),
    pushImage: (step, context) => push(engine, step, context),
    buildImage: (step, context) => buildImage(engine, step, { context, environment, buildContexts }),
    removeImage: (step, { kill }) => tolerant(engine.imageRemove({ name: step.image, signal: kill })),
  };
}

function resourcePerformers({ engine }: PerformerOptions): Pick<Performers, ResourceKind> {
  return {
    createNetwork: (step, { kill }) => silent(engine.networkCreate({ body: step.body, signal: kill })),
    removeNetwork: (step, { kill }) => tolerant(engine.networkRemove({ id: step.network, signal: kill })),
    createVolume: (step, { kill }) => silent(engine.volumeCreate({ body: step.body, signal: kill })),
    removeVolume: (step, { kill }) => tolerant(engine.volumeRemove({ name: step.volume, signal: kill })),
  };
}

function containerPerformers({
  engine,
  watcher,
  environment,
}: PerformerOptions): Omit<Performers, ImageKind | ResourceKind> {
  const on = (step: { readonly container: ContainerRef }, context: StepContext) => ({
    id: idOf(step.container, context),
    signal: context.kill,
  });
  const postStart = async (id: string, { hooks }: { readonly hooks?: StepHooks }, context: StepContext) => {
    if (!hooks?.postStart) return undefined;
    const { service, postStart: commands } = hooks;
    await runHooks(id, { service, commands }, { ...context, engine, environment });
    return undefined;
  };
  return {
    createContainer: (step, context) => create(engine, step, { context, environment }),
    startContainer: async (step, context) => {
      const at = on(step, context);
      await runPreStarts(step.hooks, { ...context, engine, environment });
      await engine.containerStart(at);
      return postStart(at.id, step, context);
    },
    stopContainer: async (step, context) => {
      const at = on(step, context);
      await runPreStop(at.id, step.hooks, { ...context, engine, environment });
      return silent(engine.containerStop({ ...at, t: step.timeoutSeconds }));
    },
    drainContainer: (step, { signal, ...context }) =>
      silent(engine.containerDrain({ ...on(step, { signal, ...context }), t: step.timeoutSeconds, signal })),
    checkpoint: (step, context) => checkpoint(step, context),
    restartContainer: async (step, context) => {
      const at = on(step, context);
      await runPreStop(at.id, step.hooks, { ...context, engine, environment });
      await runPreStarts(step.hooks, { ...context, engine, environment });
      await engine.containerRestart({ ...at, t: step.timeoutSeconds });
      return postStart(at.id, step, context);
    },
    killContainer: (step, context) =>
      silent(engine.containerKill({ ...on(step, context), signalName: step.signalName })),
    pauseContainer: (step, context) => silent(engine.containerPause(on(step, context))),
    unpauseContainer: (step, context) => silent(engine.containerUnpause(on(step, context))),
    removeContainer: (step, context) =>
      tolerant(engine.containerRemove({ ...on(step, context), v: step.volumes, force: step.force })),
    renameContainer: (step, context) => silent(engine.containerRename({ ...on(step, context), name: step.name })),
    disconnectContainer: async (step, context) => {
      const { id, signal } = on(step, context);
      const endpoint = await endpointOf(engine, id, { network: step.network, signal });
      const body = { Container: id, Force: true };
      const result = await tolerant(engine.networkDisconnect({ id: step.network, body, signal }));
      return { ...result, ...(endpoint && { endpoint }) };
    },
    connectContainer: (step, context) => {
      const { id, signal } = on(step, context);
      const body = { Container: id, EndpointConfig: step.endpoint };
      return silent(engine.networkConnect({ id: step.network, body, signal }));
    },
    await: async (step, context) => {
      const detail = await awaitContainer(idOf(step.container, context), step.until, {
        engine,
        watcher,
        timeoutSeconds: step.timeoutSeconds,
        monitorSeconds: step.monitorSeconds,
        dependency: !step.optional,
        onProgress: (detail) => context.report({ detail }),
        signal: AbortSignal.any([context.signal, context.kill]),
      }).catch((error: unknown) => {
        if (!step.optional || context.signal.aborted) throw error;
        const [, service] = step.target.split(':');
        return `Skipped: optional dependency "${service}" failed to start: ${messageOf(error).split('\n')[0]}`;
      });
      return { detail };
    },
  };
}

const silent = (call: Promise<unknown>): Promise<undefined> => call.then(() => undefined);

/** How a container that does not run is connected: what was asked for, not what came of it. */
async function endpointOf(
  engine: EngineApi,
  id: string,
  { network, signal }: { readonly network: string; readonly signal: AbortSignal },
): Promise<EndpointSettings | undefined> {
  const { NetworkSettings } = await engine.containerInspect({ id, signal });
  const end = NetworkSettings?.Networks?.[network];
  if (!end) return undefined;
  const asked = ['Aliases', 'IPAMConfig', 'Links', 'DriverOpts', 'GwPriority', 'MacAddress'] as const;
  return Object.fromEntries(asked.flatMap((name) => (end[name] ? [[name, end[name]]] : [])));
}

/** What a tear-down says in place of a failure where the thing is gone already, or others still use it. */
const accepted: Readonly<Record<string, string>> = {
  CONTAINER_NOT_FOUND: 'Already gone',
  IMAGE_NOT_FOUND: 'Already gone',
  NETWORK_NOT_FOUND: 'Already gone',
  VOLUME_NOT_FOUND: 'Already gone',
  IN_USE: 'Resource is still in use',
};

async function tolerant(call: Promise<unknown>): Promise<StepResult | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    const detail = accepted[codeOf(error) ?? ''];
    if (detail === undefined) throw error;
    return { detail };
  }
}

function idOf(ref: ContainerRef, context: StepContext): string {
  if ('id' in ref) return ref.id;
  const id = context.result(ref.createdBy)?.containerId;
  if (id === undefined) throw new Error(`step ${ref.createdBy} made no container`);
  return id;
}

async function pull(
  engine: EngineApi,
  step: StepOf<'pullImage'>,
  context: StepContext,
): Promise<StepResult | undefined> {
  const signal = AbortSignal.any([context.signal, context.kill]);
  try {
    await pullImage(engine, step, { report: context.report, signal });
    return undefined;
  } catch (error) {
    if (!step.optional || context.signal.aborted) throw error;
    return { detail: 'Not pulled' };
  }
}

async function push(
  engine: EngineApi,
  step: StepOf<'pushImage'>,
  context: StepContext,
): Promise<StepResult | undefined> {
  const signal = AbortSignal.any([context.signal, context.kill]);
  const { fromImage: name, tag } = splitReference(step.image);
  try {
    const about = { fallback: 'REGISTRY_REFUSED', about: `cannot push ${step.image}` } as const;
    await followMessages(engine.imagePush({ name, tag, signal }), context.report, about);
    return undefined;
  } catch (error) {
    if (!step.optional || context.signal.aborted) throw error;
    return { detail: 'Not pushed' };
  }
}

async function create(
  engine: EngineApi,
  step: StepOf<'createContainer'>,
  { context, environment }: { context: StepContext; environment: PerformerOptions['environment'] },
): Promise<StepResult> {
  const { name, body, platform, files } = step;
  const given = withSeccompProfiles(body);
  const created = await engine.containerCreate({ name, platform, body: given, signal: context.kill });
  const { Id: containerId, Warnings: warnings } = created;
  for (const output of warnings ?? []) context.report({ output });
  try {
    if (files.length > 0) await deliverFiles(engine, containerId, { files, environment, signal: context.kill });
  } catch (error) {
    await engine.containerRemove({ id: containerId, force: true, v: true }); // half a container is none
    throw error;
  }
  return { containerId };
}
