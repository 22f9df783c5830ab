import type { Environment, Project, Service } from '../model/project.ts';
import type { ProviderAnswer } from '../session.ts';

/** Whether something else than the engine brings the service. */
export const isProvided = (project: Project, name: string): boolean => project.services[name]?.provider !== undefined;

/**
 * The project without its provider services, and without dependencies on them: what the engine is to run. With what
 * providers answered, `NAME_KEY` of each, and what is to be set as it is, stand in the environment of the services that
 * depend on it. Pure.
 */
export function withoutProviders(project: Project, answers: Readonly<Record<string, ProviderAnswer>> = {}): Project {
  const names = Object.keys(project.services).filter((name) => isProvided(project, name));
  if (names.length === 0) return project;
  const kept = Object.entries(project.services).filter(([name]) => !names.includes(name));
  const services = Object.fromEntries(
    kept.map(([name, service]) => {
      const own = Object.entries(service.depends_on ?? {});
      const used = own.filter(([other]) => names.includes(other));
      if (used.length === 0) return [name, service];
      const environment = used.flatMap(([other]) => variablesOf(other, answers[other]));
      return [name, withEnvironment(service, { own, names, environment })];
    }),
  );
  return { ...project, services };
}

const variablesOf = (name: string, answer?: ProviderAnswer): [string, string][] => [
  ...Object.entries(answer?.prefixed ?? {}).map(([key, value]): [string, string] => [
    `${name.toUpperCase()}_${key}`,
    value,
  ]),
  ...Object.entries(answer?.raw ?? {}),
];

/** Sentences about variables of services that providers replace. */
export function overridden(project: Project, answers: Readonly<Record<string, ProviderAnswer>>): string[] {
  return Object.entries(project.services).flatMap(([name, { depends_on, environment = {} }]) =>
    Object.keys(depends_on ?? {}).flatMap((provider) =>
      Object.entries(answers[provider]?.raw ?? {})
        .filter(([key, value]) => Object.hasOwn(environment, key) && environment[key] !== value)
        .map(([key]) => `provider "${provider}" overrides environment variable "${key}" in service "${name}"`),
    ),
  );
}

function withEnvironment(
  service: Service,
  {
    own,
    names,
    environment,
  }: {
    own: readonly [string, NonNullable<Service['depends_on']>[string]][];
    names: readonly string[];
    environment: readonly [string, string][];
  },
): Service {
  const { depends_on: _, ...rest } = service;
  const left = own.filter(([other]) => !names.includes(other));
  const variables: Environment = { ...rest.environment, ...Object.fromEntries(environment) };
  return {
    ...rest,
    ...(left.length > 0 && { depends_on: Object.fromEntries(left) }),
    ...(Object.keys(variables).length > 0 && { environment: variables }),
  };
}
