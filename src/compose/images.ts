import type { EngineApi } from '../api/engine-api.ts';
import type { ImageInspect, ProgressMessage } from '../api/types/image.ts';
import { withBases } from './build-bases.ts';
import type { Project } from './model/project.ts';
import { imageSources, inBuildOrder } from './plan/build-sources.ts';
import { deliveryEnvironment } from './plan/delivered-files.ts';
import { selectServices } from './plan/dependencies.ts';
import { type Desired, type DesiredService, desiredOf } from './plan/desired.ts';
import { familiarReference } from './plan/names.ts';
import { type Observed, observe } from './plan/observe.ts';
import { type Plan, PlanBuilder, type StepId } from './plan/plan.ts';
import { type BuildFlags, buildSpec, planImages, renewed } from './plan/reconcile-images.ts';
import { refuseUnsupported } from './plan/unsupported.ts';
import { buildMessages } from './run/build-image.ts';
import { performPlan, throwFailures } from './run/perform-plan.ts';
import { splitReference } from './run/pull-image.ts';
import type { Session } from './session.ts';
import { findContainers, type Target } from './state.ts';

export interface BuildChoice {
  readonly services: readonly string[];
  readonly dependencies: boolean;
  readonly flags: BuildFlags;
}

/** What the engine finds in the build files of services, one after the other; nothing is built. */
export async function* checkBuilds(
  session: Session,
  project: Project,
  { services, dependencies, flags }: BuildChoice,
): AsyncGenerator<{ readonly service: string; readonly messages: AsyncIterable<ProgressMessage> }> {
  const desired = desiredOf(project);
  const { engine, buildContexts, signal } = session;
  const inputs = { environment: deliveryEnvironment(project), buildContexts, signal };
  for (const name of selectServices(project, services, dependencies)) {
    const service = desired.services.get(name);
    if (!service?.service.build) continue;
    const spec = buildSpec(desired, service, { ...flags, allPlatforms: true });
    yield { service: name, messages: await buildMessages(engine, spec, { ...inputs, call: 'check' }) };
  }
}

/** Builds the images of services that have a `build`. Resolves with the plan and the ids of what was built. */
export async function build(
  session: Session,
  project: Project,
  options: BuildChoice & { readonly dryRun?: boolean },
): Promise<{ plan: Plan; imageIds: string[] }> {
  const desired = withBases(desiredOf(project));
  const services = selectServices(project, options.services, options.dependencies);
  for (const warning of refuseUnsupported(desired, services)) session.diagnose(warning);
  const builder = new PlanBuilder();
  const chosen = [...desired.services.values()].filter(({ name, service }) => services.has(name) && service.build);
  const steps = new Map<string, StepId>();
  const known = await observe(session.engine, project.name, {
    images: [...desired.services.values()].filter(({ service }) => service.build).map(({ image }) => image),
    signal: session.signal,
  });
  const isNeeded = ({ image }: DesiredService, { isBase }: { isBase: boolean }) => !isBase || !known.images.has(image);
  for (const service of inBuildOrder(desired, chosen, isNeeded)) {
    const step = builder.add('buildImage', {
      after: imageSources(desired, service).map((name) => steps.get(name)),
      target: `image:${service.name}`,
      label: `Image ${service.image}`,
      service: service.name,
      build: buildSpec(desired, service, { ...options.flags, allPlatforms: true }),
      reason: renewed(service, known, 'asked for by build'),
      because: desired.spanOf('services', service.name, 'build')[0],
    });
    steps.set(service.name, step);
  }
  const plan = builder.build();
  if (plan.length === 0) session.notice('no service has a build section');
  if (options.dryRun) return { plan, imageIds: [] };
  const outcome = await performPlan(session, plan, {
    project: project.name,
    environment: deliveryEnvironment(project),
  });
  throwFailures(outcome);
  return { plan, imageIds: [...outcome.results.values()].flatMap(({ imageId }) => imageId ?? []) };
}

export interface PullChoice {
  readonly services: readonly string[];
  readonly dependencies: boolean;
  readonly ignoreBuildable: boolean;
  /** In place of what services say. */
  readonly policy?: 'missing' | 'always' | undefined;
  readonly ignoreFailures: boolean;
  readonly dryRun?: boolean;
}

/**
 * Pulls the images of services as their `pull_policy` allows; those that can be built only where they are named, and not
 * told to leave them out. Images that are there count as missing where their tag is `latest`.
 */
export async function pull(session: Session, project: Project, options: PullChoice): Promise<Plan> {
  const desired = desiredOf(project);
  const services = selectServices(project, options.services, options.dependencies);
  const chosen = [...desired.services.values()].filter(({ name }) => services.has(name));
  const references = chosen.map(({ image }) => image);
  const observed = await observe(session.engine, project.name, { images: references, signal: session.signal });
  const pulled = new Set(chosen.filter((own) => isPulled(own, observed, options)).map(({ name }) => name));
  const intent = { build: 'missing', pull: 'always', services: pulled, asked: 'asked for by pull' } as const;
  const planned = planImages(withoutBuilds(desired), observed, intent);
  const plan = planned.map((step) =>
    step.kind === 'pullImage' && options.ignoreFailures ? { ...step, optional: true } : step,
  );
  if (options.dryRun) return plan;
  const outcome = await performPlan(session, plan, { project: project.name });
  const unpulled = plan.filter(
    ({ id, target }) =>
      (outcome.failures.some(({ step }) => step.id === id) || outcome.results.get(id)?.detail === 'Not pulled') &&
      project.services[nameIn(target)]?.build,
  );
  if (unpulled.length > 0) {
    const names = unpulled.map(({ target }) => nameIn(target)).join(' ');
    session.notice(`images of some services must be built: compose build ${names}`);
  }
  throwFailures(outcome);
  return plan;
}

function isPulled({ service, image }: DesiredService, { images }: Observed, choice: PullChoice): boolean {
  if (service.build && (service.image === undefined || choice.ignoreBuildable)) return false;
  const policy = choice.policy ?? service.pull_policy;
  if (policy === 'never' || policy === 'build') return false;
  if (policy !== 'missing' && policy !== 'if_not_present') return true;
  return !images.has(image) || splitReference(image).tag === 'latest';
}

const nameIn = (target: string): string => target.slice('image:'.length);

/** As if every image came from a registry. */
function withoutBuilds(desired: Desired): Desired {
  const services = [...desired.services].map(([name, own]) => {
    const { build: _, ...service } = own.service;
    return [name, { ...own, service }] as const;
  });
  return { ...desired, services: new Map(services) };
}

/** Pushes the images that services build and name, under all their names. Others came from a registry. */
export async function push(
  session: Session,
  project: Project,
  options: {
    services: readonly string[];
    dependencies: boolean;
    ignoreFailures: boolean;
    dryRun?: boolean;
  },
): Promise<Plan> {
  const services = selectServices(project, options.services, options.dependencies);
  const builder = new PlanBuilder();
  for (const [name, { image, build }] of Object.entries(project.services)) {
    if (!services.has(name) || !build || image === undefined) continue;
    for (const reference of new Set([image, ...(build.tags ?? [])])) {
      builder.add('pushImage', {
        target: `image:${name}`,
        label: `Image ${reference}`,
        image: reference,
        ...(options.ignoreFailures && { optional: true }),
        reason: 'asked for by push: built by the project',
      });
    }
  }
  const plan = builder.build();
  if (plan.length === 0) session.notice('no service has both a build section and an image name: nothing to push');
  if (!options.dryRun) throwFailures(await performPlan(session, plan, { project: project.name }));
  return plan;
}

/** A row of `images`: the image each container was made from. */
export interface ImageRow {
  readonly container: string;
  readonly repository: string;
  readonly tag: string;
  readonly platform: string;
  readonly id: string;
  readonly sizeBytes: number;
  /** When the image got its name, else when it was made. RFC 3339. */
  readonly since: string;
}

export async function images(
  engine: EngineApi,
  target: Target,
  options: { services: readonly string[]; signal: AbortSignal },
): Promise<ImageRow[]> {
  const containers = await findContainers(engine, target, { ...options, oneoff: true });
  const ids = [...new Set(containers.map(({ imageId }) => imageId))];
  const { signal } = options;
  const details = new Map(
    await Promise.all(ids.map(async (id) => [id, await engine.imageInspect({ name: id, signal })] as const)),
  );
  return containers.flatMap(({ name, image, imageId }) => {
    const detail = details.get(imageId);
    if (!detail) return [];
    const { repository, tag } = splitName(
      detail.RepoTags.find((own) => familiarReference(own) === familiarReference(image)) ?? detail.RepoTags[0],
    );
    const platform = [detail.Os, detail.Architecture, detail.Variant].filter(Boolean).join('/');
    return [
      { container: name, repository, tag, platform, id: detail.Id, sizeBytes: detail.Size, since: sinceOf(detail) },
    ];
  });
}

/** Engines write the year 1 where a name's time is not known. */
const sinceOf = ({ Metadata, Created }: ImageInspect): string =>
  Date.parse(Metadata?.LastTagTime ?? '') > 0 ? Metadata.LastTagTime : Created;

function splitName(reference: string | undefined): { repository: string; tag: string } {
  const match = /^(.*):([^/:]+)$/.exec(reference ?? '');
  return { repository: match?.[1] ?? '<none>', tag: match?.[2] ?? '<none>' };
}
