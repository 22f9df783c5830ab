import { randomBytes } from 'node:crypto';
import type { ContainerCreateBody } from '../api/types/container.ts';
import { IechorError } from '../common/error.ts';
import type { Environment, Port, Project, Service, ServiceVolume } from './model/project.ts';
import { containerBody } from './plan/container-body.ts';
import { deliveryEnvironment } from './plan/delivered-files.ts';
import { dependenciesOf } from './plan/dependencies.ts';
import { containerLabels, desiredOf } from './plan/desired.ts';
import { plainUp } from './plan/intent.ts';
import { containerName } from './plan/names.ts';
import { observe } from './plan/observe.ts';
import { type Plan, PlanBuilder, type StepId, type StepKinds } from './plan/plan.ts';
import { holds } from './plan/reconcile-starts.ts';
import { provide } from './providers.ts';
import { performPlan, throwFailures } from './run/perform-plan.ts';
import type { Session } from './session.ts';
import { throwRefused, type UpResult, up } from './up.ts';

/** `run`'s flags: what a one-off container changes of its service. */
export interface OneOff {
  readonly service: string;
  /** Empty: the service's own command. */
  readonly command: readonly string[];
  readonly entrypoint?: readonly string[] | undefined;
  readonly environment: Environment;
  readonly labels: Readonly<Record<string, string>>;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly name?: string | undefined;
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
  readonly volumes: readonly ServiceVolume[];
  readonly ports: readonly Port[];
  readonly servicePorts: boolean;
  readonly useAliases: boolean;
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly detach: boolean;
  readonly autoRemove: boolean;
  readonly dependencies: boolean;
  readonly build: boolean;
  readonly removeOrphans: boolean;
  /** Say nothing about orphans. */
  readonly ignoreOrphans: boolean;
  /** Of the window that its terminal shows in. */
  readonly consoleSize?: readonly [rows: number, columns: number] | undefined;
  readonly pull?: 'always' | 'missing' | 'never' | undefined;
}

/**
 * Brings up what the service depends on, then creates a one-off container of it, not started. Resolves with its id and
 * name; the caller starts it, attached or not.
 */
export async function createOneOff(
  session: Session,
  given: Project,
  run: OneOff,
  options: { readonly dryRun?: boolean; readonly onPlan?: (plan: Plan) => void } = {},
): Promise<{ id: string; name: string }> {
  const { dryRun = false } = options;
  const told = (result: UpResult) => {
    for (const one of [result.images, result.plan]) if (one.length > 0) options.onPlan?.(one);
    throwRefused(result);
  };
  const project = await provide(session, given, {
    services: [run.service],
    dependencies: run.dependencies,
    dryRun,
    before: (services) => up(session, given, { ...plainUp, services }),
  });
  const base = project.services[run.service];
  if (!base) throw new IechorError('SERVICE_NOT_FOUND', `no such service: ${run.service}`);
  const needed = [...dependenciesOf(base).keys()].filter((name) => Object.hasOwn(project.services, name));
  const intent = {
    ...plainUp,
    removeOrphans: run.removeOrphans,
    ignoreOrphans: run.ignoreOrphans,
    build: run.build ? 'always' : 'missing',
    pull: run.pull,
  } as const;
  const ofNeeded = { ...intent, ignoreOrphans: true, build: 'missing', services: needed, wait: false } as const;
  if (run.dependencies && needed.length > 0) told(await up(session, project, ofNeeded, { dryRun }));
  // Networks, volumes and the image of the service itself, but no container of it.
  const prepare = { ...intent, services: [run.service], dependencies: false, containers: false };
  told(await up(session, project, prepare, { dryRun }));
  if (run.dependencies && !dryRun) await awaitDependencies(session, project, run.service);
  const service = oneOffService(base, run);
  const slug = randomBytes(32).toString('hex');
  const name = run.name ?? `${project.name}-${run.service}-run-${slug.slice(0, 12)}`;
  const desired = desiredOf(project);
  const own = desired.services.get(run.service);
  if (!own) throw new Error(`service ${run.service} vanished`);
  const observed = await observe(session.engine, project.name, { images: [own.image], signal: session.signal });
  const labels = containerLabels(project, run.service, {
    replica: 1,
    configHash: own.configHash,
    fingerprints: own.fingerprints,
    dependencies: own.dependencies,
    imageId: observed.images.get(own.image)?.id,
    oneoff: { slug },
  });
  const { body, files } = containerBody(project, service, {
    serviceName: run.service,
    containerName: name,
    image: own.image,
    replica: 1,
    replicas: 1,
    labels: { ...labels, ...run.labels },
    useAliases: run.useAliases,
    containerOf: (other) =>
      containerName(project.name, other, { number: 1, separator: '-', own: project.services[other]?.container_name }),
  });
  const { platform } = service;
  const { plan, step } = planOneOff(
    { name, body: streams(body, run), ...(platform && { platform }), files },
    run.service,
  );
  options.onPlan?.(plan);
  if (dryRun) return { id: '', name };
  const perform = { project: project.name, environment: deliveryEnvironment(project) };
  // The caller starts it, once its streams are attached.
  const outcome = await performPlan(session, plan.slice(0, 1), perform);
  throwFailures(outcome);
  return { id: outcome.results.get(step)?.containerId ?? '', name };
}

function planOneOff(creation: StepKinds['createContainer'], service: string): { plan: Plan; step: StepId } {
  const plan = new PlanBuilder();
  const naming = { target: `container:${service}:run`, label: `Container ${creation.name}` } as const;
  const step = plan.add('createContainer', { ...naming, ...creation, reason: 'asked for by run' });
  const reason = `asked for by run: created by step ${step}`;
  plan.add('startContainer', { ...naming, container: { createdBy: step }, reason, after: [step] });
  return { plan: plan.build(), step };
}

/** Conditions of the dependencies of a service that itself is not started. */
async function awaitDependencies(session: Session, project: Project, name: string): Promise<void> {
  const plan = new PlanBuilder();
  const observed = await observe(session.engine, project.name, { signal: session.signal });
  for (const [other, { condition }] of dependenciesOf(project.services[name] as Service)) {
    if (condition === 'service_started') continue;
    const until = condition === 'service_healthy' ? 'healthy' : 'completed';
    for (const container of observed.containers) {
      if (container.service !== other || container.oneoff || holds(container, until)) continue;
      plan.add('await', {
        target: `container:${other}:${container.number}`,
        label: `Container ${container.name}`,
        container: { id: container.id },
        until,
        reason: `${name} depends_on ${other}: ${condition}`,
      });
    }
  }
  throwFailures(await performPlan(session, plan.build(), { project: project.name }));
}

function oneOffService(base: Service, run: OneOff): Service {
  const { container_name, ports, restart, deploy, ...rest } = base;
  const kept = run.servicePorts ? (ports ?? []) : [];
  return {
    ...rest,
    ...(deploy && { deploy: { ...deploy, restart_policy: { condition: 'none' } } }),
    ports: [...kept, ...run.ports],
    command: run.command.length > 0 ? run.command : run.entrypoint ? [] : rest.command,
    entrypoint: run.entrypoint ?? rest.entrypoint,
    environment: { ...rest.environment, ...run.environment },
    volumes: [
      ...(rest.volumes ?? []).filter(({ target }) => !run.volumes.some((own) => own.target === target)),
      ...run.volumes,
    ],
    ...withCapabilities(rest, run),
    ...(run.user !== undefined && { user: run.user }),
    ...(run.workdir !== undefined && { working_dir: run.workdir }),
    tty: run.tty,
    stdin_open: run.interactive,
  };
}

/** What is added is not dropped, and the other way round, whatever the service says. */
function withCapabilities(base: Pick<Service, 'cap_add' | 'cap_drop'>, { capAdd, capDrop }: OneOff): Partial<Service> {
  if (capAdd.length + capDrop.length === 0) return {};
  const merge = (own: readonly string[] | undefined, more: readonly string[], less: readonly string[]) => [
    ...new Set([...(own ?? []).filter((name) => !less.includes(name)), ...more]),
  ];
  return { cap_add: merge(base.cap_add, capAdd, capDrop), cap_drop: merge(base.cap_drop, capDrop, capAdd) };
}

function streams(body: ContainerCreateBody, run: OneOff): ContainerCreateBody {
  return {
    ...body,
    AttachStdin: run.interactive,
    AttachStdout: true,
    AttachStderr: true,
    StdinOnce: run.interactive,
    HostConfig: {
      ...body.HostConfig,
      AutoRemove: run.autoRemove,
      ...(run.consoleSize && { ConsoleSize: [...run.consoleSize] }),
    },
  };
}
