import { IechorError } from '../../common/error.ts';
import type { Project, Service } from './project.ts';

export interface Selection {
  /** Service names from the command line; none means all active ones. */
  readonly services?: readonly string[];
  /** Take in what the named services depend on. Default true. */
  readonly dependencies?: boolean;
}

const pick = <T>(all: Readonly<Record<string, T>>, keep: (name: string) => boolean): Record<string, T> => {
  const out = Object.create(null) as Record<string, T>;
  for (const [name, value] of Object.entries(all)) if (keep(name)) out[name] = value;
  return out;
};

/** Whether a service is active: it names no profile, or one that is switched on (`*` switches on all). */
export const isActive = (service: Service, profiles: readonly string[]): boolean =>
  !service.profiles?.length || profiles.includes('*') || service.profiles.some((profile) => profiles.includes(profile));

/** Sorts services into active and disabled ones by `profiles`. */
export function activate(project: Project, profiles: readonly string[]): Project {
  const all: Readonly<Record<string, Service>> = { ...project.services, ...project.disabledServices };
  const names = Object.keys(all).sort();
  const ordered = Object.create(null) as Record<string, Service>;
  for (const name of names) ordered[name] = all[name] as Service;
  return {
    ...project,
    profiles,
    services: pick(ordered, (name) => isActive(ordered[name] as Service, profiles)),
    disabledServices: pick(ordered, (name) => !isActive(ordered[name] as Service, profiles)),
  };
}

/** The project with the profiles of the named services switched on. */
export function activateNamed(project: Project, names: readonly string[]): Project {
  const profiles = names.flatMap((name) => project.disabledServices[name]?.profiles ?? []);
  return profiles.length > 0 ? activate(project, [...new Set([...project.profiles, ...profiles])]) : project;
}

/** The named services and what they depend on, as far as it is active; none named: all active ones. */
export function reach(project: Project, names: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const queue = names.length > 0 ? [...names] : Object.keys(project.services);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const service = project.services[name];
    if (!service || reached.has(name)) continue;
    reached.add(name);
    queue.push(...Object.keys(service.depends_on ?? {}));
  }
  return reached;
}

/**
 * The project reduced to the services named and what they depend on. Naming a service switches its profiles on; a
 * dependency in another profile is an error unless `required: false`. Throws SERVICE_NOT_FOUND.
 */
export function select(project: Project, selection: Selection): Project {
  const names = selection.services ?? [];
  if (names.length === 0) return project;
  const active = activateNamed(project, names);
  const chosen = new Set<string>();
  for (const name of names) choose(active, name, chosen, selection.dependencies ?? true);
  const services = pick(active.services, (name) => chosen.has(name));
  for (const [name, service] of Object.entries(services)) {
    if (service.depends_on)
      services[name] = { ...service, depends_on: pick(service.depends_on, (other) => chosen.has(other)) };
    if (Object.keys(services[name]?.depends_on ?? { none: true }).length === 0) {
      const { depends_on: _none, ...rest } = services[name] as Service;
      services[name] = rest;
    }
  }
  const dropped = pick(active.services, (name) => !chosen.has(name));
  return { ...active, services, disabledServices: { ...active.disabledServices, ...dropped } };
}

function choose(project: Project, name: string, chosen: Set<string>, dependencies: boolean): void {
  if (chosen.has(name)) return;
  const service = project.services[name];
  if (!service) throw notFound(project, name);
  chosen.add(name);
  if (!dependencies) return;
  for (const [other, dependency] of Object.entries(service.depends_on ?? {})) {
    if (dependency.required || project.services[other]) choose(project, other, chosen, dependencies);
  }
}

/** `no such service: x`, with the reason where it exists but is not active. */
export function notFound(project: Project, name: string): IechorError {
  const disabled = project.disabledServices[name];
  if (disabled?.profiles?.length) {
    const listed = disabled.profiles.join(', ');
    return new IechorError('SERVICE_NOT_FOUND', `service "${name}" exists but its profile [${listed}] is not active`, {
      hint: `activate it with --profile ${disabled.profiles[0]}`,
    });
  }
  const known = Object.keys({ ...project.services, ...project.disabledServices });
  return new IechorError('SERVICE_NOT_FOUND', `no such service: ${name}`, {
    hint: known.length > 0 ? `services of this project: ${known.sort().join(', ')}` : undefined,
  });
}

/** The project without networks, volumes, secrets, configs and models that no active service uses. */
export function dropUnused(project: Project): Project {
  const used = {
    networks: new Set<string>(),
    volumes: new Set<string>(),
    secrets: new Set<string>(),
    configs: new Set<string>(),
    models: new Set<string>(),
  };
  for (const service of Object.values(project.services)) {
    for (const name of Object.keys(service.networks ?? {})) used.networks.add(name);
    for (const volume of service.volumes ?? [])
      if (volume.type === 'volume' && volume.source) used.volumes.add(volume.source);
    for (const secret of [...(service.secrets ?? []), ...(service.build?.secrets ?? [])])
      used.secrets.add(secret.source);
    for (const config of service.configs ?? []) used.configs.add(config.source);
    for (const name of Object.keys(service.models ?? {})) used.models.add(name);
  }
  return {
    ...project,
    networks: pick(project.networks, (name) => used.networks.has(name)),
    volumes: pick(project.volumes, (name) => used.volumes.has(name)),
    secrets: pick(project.secrets, (name) => used.secrets.has(name)),
    configs: pick(project.configs, (name) => used.configs.has(name)),
    models: pick(project.models, (name) => used.models.has(name)),
  };
}
