import type { Hook, StartHook } from '../model/parts.ts';
import type { Environment, Project, Service } from '../model/project.ts';
import { splitWords } from '../source/shell-words.ts';
import { containerBody, environmentList } from './container-body.ts';
import { containerLabels, type Desired, type DesiredService } from './desired.ts';
import type { HookCommand, Plan, PreStart, Step, StepHooks, StepId } from './plan.ts';

/** The plan with the hooks of the services whose containers it starts, restarts and stops. Pure. */
export function withHooks(plan: Plan, desired: Desired): Plan {
  const first = firstStarts(plan, desired);
  return plan.map((step) => {
    if (step.kind !== 'startContainer' && step.kind !== 'restartContainer' && step.kind !== 'stopContainer')
      return step;
    const [, name = '', number = '1'] = step.target.split(':');
    const service = desired.services.get(name);
    const lead = first.get(name);
    const at = { project: desired.project, replica: Number(number), leads: lead === step.id };
    const hooks = service && hooksOf(step.kind, service, at);
    const follows = lead !== undefined && lead < step.id && step.kind === 'startContainer';
    const ordered = follows && !step.after.includes(lead) ? { after: [...step.after, lead].sort((a, b) => a - b) } : {};
    return hooks
      ? { ...step, ...ordered, hooks, reason: `${step.reason}; ${wordsOf(hooks)}` }
      : { ...step, ...ordered };
  });
}

/** Of services with `pre_start` none of whose containers goes on running: the step that starts the first one. */
function firstStarts(plan: Plan, desired: Desired): ReadonlyMap<string, StepId> {
  const starts = new Map<string, StepId[]>();
  for (const { kind, target, id } of plan) {
    const [, name = ''] = target.split(':');
    if (kind === 'startContainer') starts.set(name, [...(starts.get(name) ?? []), id]);
  }
  const all = [...starts].flatMap(([name, ids]) => {
    const service = desired.services.get(name);
    const [lead] = ids;
    const runs = service !== undefined && preStartHooks(service.service).length > 0;
    return runs && lead !== undefined && ids.length >= service.scale ? [[name, lead] as const] : [];
  });
  return new Map(all);
}

interface HookPlace {
  readonly project: Project;
  readonly replica: number;
  /** The first container of its service to start: what runs once for all runs before it. */
  readonly leads: boolean;
}

function hooksOf(kind: Step['kind'], desired: DesiredService, at: HookPlace): StepHooks | undefined {
  const { service } = desired;
  const before = kind === 'stopContainer' ? [] : preStarts(desired, at);
  const after = kind === 'stopContainer' ? [] : (service.post_start ?? []).map(commandOf);
  const stopping = kind === 'startContainer' ? [] : (service.pre_stop ?? []).map(commandOf);
  if (before.length + after.length + stopping.length === 0) return undefined;
  return {
    service: desired.name,
    ...(before.length > 0 && { preStart: before }),
    ...(after.length > 0 && { postStart: after }),
    ...(stopping.length > 0 && { preStop: stopping }),
  };
}

function wordsOf({ preStart, postStart, preStop }: StepHooks): string {
  return [
    ...(preStart ? [`${preStart.length} pre_start`] : []),
    ...(preStop ? [`${preStop.length} pre_stop`] : []),
    ...(postStart ? [`${postStart.length} post_start`] : []),
  ].join(', ');
}

const commandOf = (hook: Hook): HookCommand => ({
  command: hook.command ?? [],
  user: hook.user,
  workingDirectory: hook.working_dir,
  privileged: hook.privileged,
  environment: hook.environment && environmentList(hook.environment),
});

/** `x-iechor.pre_start` stays in the model as it was written. */
function preStartHooks(service: Service): StartHook[] {
  const own = service['x-iechor'] as { readonly pre_start?: readonly RawHook[] } | null | undefined;
  return (own?.pre_start ?? []).map(({ command, environment, ...hook }) => ({
    ...hook,
    command: typeof command === 'string' ? (splitWords(command) ?? [command]) : [...(command ?? [])],
    ...(environment && { environment: environmentOf(environment) }),
  }));
}

type RawHook = Omit<StartHook, 'command' | 'environment'> & {
  readonly command?: string | readonly string[];
  readonly environment?: readonly string[] | Readonly<Record<string, string | number | boolean | null>>;
};

function environmentOf(raw: NonNullable<RawHook['environment']>): Environment {
  if (!Array.isArray(raw)) {
    return Object.fromEntries(
      Object.entries(raw).map(([name, value]) => [name, value === null ? null : String(value)]),
    );
  }
  return Object.fromEntries(
    (raw as readonly string[]).map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, null] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** Those that run before a container: of all it leads, and those that run before each. */
function startHooks(service: Service, leads: boolean): (StartHook & { readonly title: string })[] {
  return preStartHooks(service)
    .map((hook, index) => ({ ...hook, title: `pre_start[${index}]` }))
    .filter(({ per_replica }) => per_replica || leads);
}

/** Each in the service's image or its own, with the service's volumes and networks, without its ports, its health check and its aliases. */
function preStarts(
  { name, image, service, configHash, fingerprints, containerName, dependencies }: DesiredService,
  { project, replica, leads }: HookPlace,
): PreStart[] {
  return startHooks(service, leads).map((hook, index) => {
    const { ports: _, healthcheck: __, restart: ___, deploy: ____, container_name: _____, ...rest } = service;
    const own: Service = {
      ...rest,
      entrypoint: [],
      command: hook.command ?? [],
      environment: { ...rest.environment, ...hook.environment },
      healthcheck: { disable: true },
      ...(hook.user !== undefined && { user: hook.user }),
      ...(hook.working_dir !== undefined && { working_dir: hook.working_dir }),
      ...(hook.privileged && { privileged: true }),
    };
    const containerOwn = `${containerName(replica)}-pre-start-${index + 1}`;
    const labels = containerLabels(project, name, {
      replica,
      configHash,
      fingerprints,
      dependencies,
      imageId: undefined,
      oneoff: { slug: `pre-start-${replica}-${index + 1}` },
    });
    const made = containerBody(project, own, {
      serviceName: name,
      containerName: containerOwn,
      image: hook.image ?? image,
      replica,
      replicas: 1,
      labels,
      useAliases: false,
      containerOf: (other) => `${project.name}-${other}-1`,
    });
    return { title: hook.title, name: containerOwn, ...made };
  });
}
