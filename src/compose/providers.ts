import { IechorError } from '../common/error.ts';
import type { Project } from './model/project.ts';
import { withModels } from './models.ts';
import { wantsApiSocket, withApiSocket } from './plan/api-socket.ts';
import { dependenciesOf, selectServices } from './plan/dependencies.ts';
import { topologicalOrder } from './plan/graph.ts';
import { isProvided, overridden, withoutProviders } from './plan/providers.ts';
import type { ProviderAnswer, Session } from './session.ts';

export interface ProvideOptions {
  readonly services: readonly string[];
  readonly dependencies: boolean;
  readonly dryRun: boolean;
  /** Brings what a provider itself depends on. */
  readonly before: (services: readonly string[]) => Promise<unknown>;
}

/**
 * Runs the providers that the named services are or depend on, each after what it depends on itself, and brings their
 * models. Resolves with the project as the engine is to run it: without them, with the variables they set, and with its
 * socket where one is asked for.
 */
export async function provide(session: Session, project: Project, options: ProvideOptions): Promise<Project> {
  const selected = selectServices(project, options.services, options.dependencies);
  const wanted = Object.keys(project.services).filter(
    (name) => isProvided(project, name) && (selected.has(name) || isNeeded(project, name, selected)),
  );
  const { dryRun } = options;
  if (wanted.length === 0)
    return connected(session, await withModels(session, withoutProviders(project), { services: selected, dryRun }));
  const answers: Record<string, ProviderAnswer> = {};
  for (const name of ordered(project).filter((own) => wanted.includes(own))) {
    if (options.dryRun) {
      session.notice(`service ${name} comes first, by its provider: what it sets is not known yet`);
      continue;
    }
    const containers = dependenciesOn(project, name).filter((other) => !isProvided(project, other));
    if (containers.length > 0) await options.before(containers);
    answers[name] = await run(session, project, { name, command: 'up' });
  }
  for (const text of overridden(project, answers)) session.notice(text);
  const provided = withoutProviders(project, answers);
  return connected(session, await withModels(session, provided, { services: selected, dryRun }));
}

async function connected(session: Session, project: Project): Promise<Project> {
  if (!wantsApiSocket(project)) return project;
  if (session.apiSocket) return withApiSocket(project, await session.apiSocket());
  throw new IechorError('NOT_SUPPORTED', 'use_api_socket needs the path of the engine, which is not known here');
}

/** Tells the providers of the named services (none: all) to end, or that they are no longer needed, dependents first. */
export async function unprovide(
  session: Session,
  project: Project,
  services: readonly string[],
  command: 'down' | 'stop' = 'down',
): Promise<void> {
  const wanted = ordered(project).filter(
    (name) => isProvided(project, name) && (services.length === 0 || services.includes(name)),
  );
  for (const name of wanted.reverse()) await run(session, project, { name, command });
}

const dependenciesOn = (project: Project, name: string): string[] => {
  const service = project.services[name];
  return service ? [...dependenciesOf(service).keys()].filter((other) => Object.hasOwn(project.services, other)) : [];
};

const isNeeded = (project: Project, name: string, selected: ReadonlySet<string>): boolean =>
  [...selected].some((other) => dependenciesOn(project, other).includes(name));

const ordered = (project: Project): string[] =>
  topologicalOrder(Object.keys(project.services).map((name) => ({ name, after: dependenciesOn(project, name) })));

async function run(
  session: Session,
  project: Project,
  { name, command }: { name: string; command: 'up' | 'down' | 'stop' },
): Promise<ProviderAnswer> {
  const provider = project.services[name]?.provider;
  if (!provider) return { prefixed: {}, raw: {} };
  if (!session.runProvider)
    throw new IechorError('NOT_SUPPORTED', `service ${name} comes from a provider, which nothing here can run`);
  const step = {
    id: 0,
    kind: 'provider',
    target: `container:${name}:1`,
    label: `Service ${name}`,
    reason: '',
    after: [],
  } as const;
  session.sink({ step, status: 'running' });
  try {
    const answer = await session.runProvider({
      command,
      project: project.name,
      service: name,
      provider,
      workingDirectory: project.workingDirectory,
      environment: project.environment,
      onInfo: (output) => session.sink({ step, status: 'running', output }),
      signal: session.signal,
    });
    session.sink({ step, status: 'done', detail: { up: 'Provided', down: 'Removed', stop: 'Stopped' }[command] });
    return answer;
  } catch (error) {
    session.sink({ step, status: 'failed' });
    throw error;
  }
}
