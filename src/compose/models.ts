import { IechorError } from '../common/error.ts';
import type { ModelSpec, ServiceModel } from './model/parts.ts';
import type { Environment, Project } from './model/project.ts';
import type { Session } from './session.ts';

export interface ModelsOptions {
  readonly services: ReadonlySet<string>;
  readonly dryRun: boolean;
}

/** `x-iechor.endpoint` of a model: somebody else serves it there. */
const ownEndpoint = (model: ModelSpec): string | undefined =>
  (model['x-iechor'] as { readonly endpoint?: string } | null | undefined)?.endpoint;

/**
 * The project with the models its services use as variables of their environment: `NAME_URL` and `NAME_MODEL`, or as
 * `endpoint_var` and `model_var` say, whatever `environment` says. Models are brought first by the session's runner,
 * unless the file names the endpoint. Throws NOT_SUPPORTED where there is neither.
 */
export async function withModels(session: Session, project: Project, options: ModelsOptions): Promise<Project> {
  const used = new Set([...options.services].flatMap((name) => Object.keys(project.services[name]?.models ?? {})));
  if (used.size === 0) return project;
  const endpoints = new Map<string, string>();
  for (const name of used) {
    const endpoint = await bring(session, project, { name, dryRun: options.dryRun });
    if (endpoint !== undefined) endpoints.set(name, endpoint);
  }
  const services = Object.entries(project.services).map(([name, { models, ...service }]) => {
    if (!models || !options.services.has(name)) return [name, project.services[name]];
    const variables = Object.entries(models).flatMap(([ref, own]) => variablesOf(ref, own, { project, endpoints }));
    return [name, { ...service, environment: { ...service.environment, ...Object.fromEntries(variables) } }];
  });
  return { ...project, services: Object.fromEntries(services) };
}

function variablesOf(
  ref: string,
  own: ServiceModel | null,
  { project, endpoints }: { readonly project: Project; readonly endpoints: ReadonlyMap<string, string> },
): (readonly [string, Environment[string]])[] {
  const prefix = ref.toUpperCase().replaceAll('-', '_');
  const endpoint = endpoints.get(ref);
  return [
    [own?.model_var ?? `${prefix}_MODEL`, project.models[ref]?.model ?? ''],
    ...(endpoint === undefined ? [] : [[own?.endpoint_var ?? `${prefix}_URL`, endpoint] as const]),
  ];
}

/** Brings one model. Resolves with the URL it answers at, undefined where it is not brought (`dryRun`). */
async function bring(
  session: Session,
  project: Project,
  { name, dryRun }: { readonly name: string; readonly dryRun: boolean },
): Promise<string | undefined> {
  const model = project.models[name];
  if (!model) throw new IechorError('COMPOSE_INVALID', `there is no model ${name}`);
  const known = ownEndpoint(model);
  if (known !== undefined) {
    for (const ignored of ['context_size', 'runtime_flags'] as const)
      if (model[ignored] !== undefined)
        session.notice(`models.${name}.${ignored} has no effect: ${known} is not ours to configure`);
    return known;
  }
  const runner = await session.modelRunner?.(project.environment);
  if (!runner)
    throw new IechorError('NOT_SUPPORTED', `model ${name}: there is no runner of models here`, {
      exit: 1,
      hint: `install the CLI plugin docker-model, or name what serves it: models.${name}.x-iechor.endpoint: http://HOST:PORT/v1/`,
    });
  if (dryRun) {
    session.notice(`model ${name} comes first, by the runner of models: its URL is not known yet`);
    return undefined;
  }
  const step = {
    id: 0,
    kind: 'model',
    target: `image:${name}`,
    label: `Model ${name}`,
    reason: '',
    after: [],
  } as const;
  session.sink({ step, status: 'running', output: `Pulling ${model.model}` });
  try {
    await runner.ensure({ ...model, label: name });
    const endpoint = await runner.endpoint();
    session.sink({ step, status: 'done', detail: 'Configured' });
    return endpoint;
  } catch (error) {
    session.sink({ step, status: 'failed' });
    throw error;
  }
}
