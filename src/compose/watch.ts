import { IechorError } from '../common/error.ts';
import { readRules } from '../context/build-file.ts';
import { build } from './images.ts';
import { restart } from './lifecycle.ts';
import type { Hook } from './model/parts.ts';
import type { Project, Service } from './model/project.ts';
import { environmentList } from './plan/container-body.ts';
import { selectServices } from './plan/dependencies.ts';
import { plainUp } from './plan/intent.ts';
import { imageName } from './plan/names.ts';
import type { ObservedContainer } from './plan/observe.ts';
import { runCommand } from './run/run-command.ts';
import type { Session } from './session.ts';
import { findContainers } from './state.ts';
import { type UpOptions, up } from './up.ts';
import { type Batches, watchBatches } from './watch/batches.ts';
import { type ServiceWork, workOf } from './watch/changes.ts';
import { initialCopies, missingCopies } from './watch/initial.ts';
import { removeDangling, taggedId } from './watch/old-image.ts';
import { syncContainer } from './watch/sync.ts';
import { compileTriggers, containerPath, type Trigger } from './watch/triggers.ts';

export interface WatchOptions {
  /** None: all that have rules. */
  readonly services: readonly string[];
  /** Remove the image that a rebuild replaces. */
  readonly prune: boolean;
  /** A sentence on what was done. */
  readonly print: (text: string) => void;
  /** A line that a command of `sync+exec` wrote. */
  readonly output: (from: ObservedContainer, text: string) => void;
  /** Something failed; watching goes on. */
  readonly fail: (error: unknown) => void;
  readonly upOptions?: UpOptions;
  readonly signal: AbortSignal;
}

/** Follow-ups wait until no change has come for this long: a checkout is one change, not fifty. */
const settleMs = 100;

/** The compiled rules of services. Throws WRONG_STATE where none has any, COMPOSE_INVALID for one that cannot work. */
export function watchTriggers(
  project: Project,
  services: readonly string[],
): { triggers: readonly Trigger[]; notices: readonly string[] } {
  const selected = [...selectServices(project, services, false)];
  const rulesOf = (name: string) => project.services[name]?.develop?.watch ?? [];
  for (const name of selected) {
    if (project.services[name]?.build || !rulesOf(name).some(({ action }) => action === 'rebuild')) continue;
    throw new IechorError(
      'COMPOSE_INVALID',
      `can't watch service "${name}" with action rebuild without a build context`,
    );
  }
  if (!selected.some((name) => rulesOf(name).length > 0)) {
    throw new IechorError(
      'WRONG_STATE',
      "none of the selected services is configured for watch, consider setting a 'develop' section",
      {
        hint: 'add develop.watch with a path, an action and a target to a service',
      },
    );
  }
  return compileTriggers(project, selected, contextRules);
}

function contextRules({ build: spec }: Service) {
  const { context, dockerfile } = spec ?? {};
  if (context === undefined || /^(https?|git|ssh):\/\/|^git@/.test(context)) return undefined;
  return readRules(context, dockerfile ?? 'Dockerfile');
}

/**
 * Watches the files that `develop.watch` names and brings what changes into running containers, until `signal` aborts.
 * Changes that come together go together: one archive for each container.
 */
export async function watch(session: Session, project: Project, options: WatchOptions): Promise<void> {
  const { triggers, notices } = watchTriggers(project, options.services);
  for (const notice of notices) session.notice(notice);
  const batches = watchBatches(
    {
      roots: [...new Set(triggers.map(({ rule }) => rule.path))],
      skips: (directory) => triggers.every((trigger) => trigger.skips(directory)),
    },
    options.signal,
  );
  const run: Run = { session, project, options, triggers, batches };
  try {
    for (const name of new Set(triggers.map(({ service }) => service)))
      await attempt(run, () => syncAtStart(run, name));
    options.print('Watch enabled');
    await loop(run);
  } finally {
    batches.close();
  }
}

interface Run {
  readonly session: Session;
  readonly project: Project;
  readonly options: WatchOptions;
  readonly triggers: readonly Trigger[];
  readonly batches: Batches;
}

interface Pending {
  readonly rebuild: Set<string>;
  readonly restart: Set<string>;
  readonly execs: Map<string, Set<Hook>>;
}

async function loop(run: Run): Promise<void> {
  const { batches, options, triggers } = run;
  const pending: Pending = { rebuild: new Set(), restart: new Set(), execs: new Map() };
  for (;;) {
    const waits = pending.rebuild.size + pending.restart.size + pending.execs.size > 0;
    const changes = await batches.next(waits ? settleMs : undefined);
    if (options.signal.aborted) return;
    if (!changes) {
      await followUp(run, pending);
      continue;
    }
    for (const [service, work] of workOf(changes, triggers)) {
      if (work.rebuild) pending.rebuild.add(service);
      if (work.restart) pending.restart.add(service);
      for (const hook of work.execs) {
        pending.execs.set(service, (pending.execs.get(service) ?? new Set()).add(hook));
      }
      if (!pending.rebuild.has(service)) await attempt(run, () => sync(run, service, work));
    }
  }
}

async function attempt({ options }: Run, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!options.signal.aborted) options.fail(error);
  }
}

async function running({ session, project, options }: Run, service: string): Promise<ObservedContainer[]> {
  const target = { project: project.name, known: Object.keys(project.services) };
  const all = await findContainers(session.engine, target, { services: [service], signal: options.signal });
  return all.filter(({ state }) => state === 'running');
}

async function sync(run: Run, service: string, work: Pick<ServiceWork, 'copies' | 'removals'>): Promise<void> {
  const count = work.copies.size + work.removals.size;
  if (count === 0) return;
  const began = performance.now();
  const { engine } = run.session;
  const containers = await running(run, service);
  const { signal } = run.options;
  await Promise.all(containers.map(({ id }) => syncContainer(engine, id, { ...work, signal })));
  const took = Math.round(performance.now() - began);
  run.options.print(`Syncing service "${service}" after ${count} changes were detected: done in ${took} ms`);
}

/** What rules with `initial_sync` name, as far as the containers do not have it. */
async function syncAtStart(run: Run, service: string): Promise<void> {
  const copies = initialCopies(service, run.triggers, run.batches.tree.files());
  if (copies.size === 0) return;
  const own = run.triggers.filter((trigger) => trigger.service === service && trigger.rule.initial_sync);
  const roots = own.map((trigger) => containerPath(trigger, trigger.rule.path));
  const { engine } = run.session;
  const { signal, print } = run.options;
  for (const { id, name } of await running(run, service)) {
    const missing = await missingCopies(engine, id, { copies, roots, signal });
    await syncContainer(engine, id, { copies: missing, removals: new Set(), signal });
    print(`Synced ${missing.size} of ${copies.size} files to ${name}`);
  }
}

async function followUp(run: Run, pending: Pending): Promise<void> {
  const rebuilds = [...pending.rebuild];
  const restarts = [...pending.restart].filter((name) => !pending.rebuild.has(name));
  const execs = [...pending.execs].filter(([name]) => !pending.rebuild.has(name));
  pending.rebuild.clear();
  pending.restart.clear();
  pending.execs.clear();
  if (rebuilds.length > 0) await attempt(run, () => rebuild(run, rebuilds));
  if (restarts.length > 0) await attempt(run, () => restartServices(run, restarts));
  for (const [service, hooks] of execs)
    for (const hook of hooks) await attempt(run, () => execHook(run, service, hook));
}

const quoted = (names: readonly string[]): string => `[${names.map((name) => `"${name}"`).join(' ')}]`;

async function rebuild(run: Run, services: readonly string[]): Promise<void> {
  const { session, project, options } = run;
  const { engine } = session;
  options.print(`Rebuilding service(s) ${quoted(services)} after changes were detected...`);
  const separator = options.upOptions?.separator ?? '-';
  const images = services.map((name) => imageName(project, name, project.services[name] as Service, separator));
  const before = await Promise.all(images.map((image) => taggedId(engine, image, options.signal)));
  await build(session, project, { services, dependencies: false, flags: {} });
  options.print(`service(s) ${quoted(services)} successfully built`);
  const intent = { ...plainUp, services, dependencies: false, build: 'never', ignoreOrphans: true } as const;
  await up(session, project, intent, options.upOptions);
  for (const name of services) await syncAtStart(run, name);
  if (options.prune) for (const id of before) if (id !== undefined) await removeDangling(engine, id, options.signal);
}

async function restartServices({ session, project, options }: Run, services: readonly string[]): Promise<void> {
  await restart(session, { project: project.name }, { intent: { services }, dependents: true });
  options.print(`service(s) ${quoted(services)} restarted`);
}

async function execHook(run: Run, service: string, hook: Hook): Promise<void> {
  const { engine } = run.session;
  const { signal, output } = run.options;
  for (const container of await running(run, service)) {
    const { exitCode } = await runCommand(engine, container.id, {
      command: hook.command ?? [],
      user: hook.user,
      privileged: hook.privileged,
      workingDirectory: hook.working_dir,
      environment: hook.environment && environmentList(hook.environment),
      onLine: (text) => output(container, text),
      signal,
    });
    if (exitCode === 0) continue;
    throw new IechorError(
      'ENGINE_ERROR',
      `the command of sync+exec failed in ${container.name} with exit code ${exitCode}`,
    );
  }
}
