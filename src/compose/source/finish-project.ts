import { didYouMean } from '../../common/nearest.ts';
import type { Project, SecretSpec, Service } from '../model/project.ts';
import { activate, activateNamed, reach } from '../model/select.ts';
import { projectSpec } from './attributes.ts';
import { checkProject } from './check-project.ts';
import { nodeAt } from './consistency.ts';
import type { LoadContext } from './context.ts';
import { decode, record } from './decode.ts';
import type { Discovered } from './discover.ts';
import { type From, sortedRecord, withEnvironment, withLabels } from './env-files.ts';
import type { LoadOptions } from './load-options.ts';
import { get, getMap, isNull, type MapNode, mapNode, type Node } from './node.ts';
import { createReport, placesOf } from './report.ts';

export interface Finishing {
  readonly root: MapNode;
  readonly found: Discovered;
  readonly name: string;
}

type Decoded = Partial<Omit<Project, 'services'>> & {
  services?: Record<string, Service & { label_file?: readonly string[]; extends?: unknown }>;
};

/** Reads the canonical tree into the model, switches profiles, checks the whole, and reads env and label files. */
export function finishProject(context: LoadContext, options: LoadOptions, finishing: Finishing): Project {
  const { root, found, name } = finishing;
  // With variables still in it a project cannot be read or checked: it is decoded as far as that goes.
  if (context.interpolate) fillResources(root);
  const report = context.interpolate ? context.report : createReport();
  const { name: _written, ...decoded } = decode(root, projectSpec, [], report) as Decoded;
  const whole: Project = {
    networks: record(),
    volumes: record(),
    models: record(),
    disabledServices: record(),
    ...decoded,
    secrets: withValues(decoded.secrets, get(root, 'secrets')),
    configs: withValues(decoded.configs, get(root, 'configs')),
    services: decoded.services ?? record(),
    name,
    profiles: found.profiles,
    workingDirectory: found.directory,
    composeFiles: found.files,
    environment: sortedRecord(found.environment),
  };
  const project = activateNamed(activate(whole, found.profiles), options.services ?? []);
  const chosen = options.outline ? new Set<string>() : reach(project, options.services ?? []);
  reportProfiles(context, project, options);
  if (!context.interpolate) return project;
  if (options.checkConsistency !== false)
    checkProject({ project, root, report: context.report, broken: context.broken, chosen });
  return { ...project, services: resolveServices(context, { ...options, chosen }, project, finishing) };
}

/** A network or volume without attributes is one all the same. */
function fillResources(root: MapNode): void {
  for (const kind of ['networks', 'volumes']) {
    const resources = getMap(root, kind);
    for (const [name, node] of resources?.entries ?? []) {
      if (!isNull(node)) continue;
      resources?.entries.set(name, { ...mapNode(node.at), ...(node.key && { key: node.key }) });
    }
  }
}

/** A profile that no service has: told where it was given to this command, or looks like a slip. */
function reportProfiles({ report }: LoadContext, project: Project, options: LoadOptions): void {
  const all = [...Object.values(project.services), ...Object.values(project.disabledServices)];
  const known = new Set(all.flatMap(({ profiles }) => profiles ?? []));
  for (const name of project.profiles) {
    if (name === '*' || known.has(name)) continue;
    const near = didYouMean(name, known);
    if (near === undefined && !options.profiles?.length) continue;
    const hint = near ?? (known.size > 0 ? `profiles: ${[...known].sort().join(', ')}` : 'no service names a profile');
    report.warning({ code: 'COMPOSE_NO_EFFECT', message: `no service has the profile "${name}"`, hint, at: [] });
  }
}

/** `scale` and `deploy.replicas` say the same; env files and label files become part of the services chosen. */
function resolveServices(
  context: LoadContext,
  options: LoadOptions & { readonly chosen: ReadonlySet<string> },
  project: Project,
  { root, found }: Finishing,
): Project['services'] {
  const services = record<Service>();
  for (const [name, decoded] of Object.entries(project.services)) {
    const { label_file: labelFiles, ...service } = decoded as Service & { label_file?: readonly string[] };
    const from: From = { name, placeOf: (path) => placesOf(nodeAt(root, ['services', name, ...path])) };
    const environed =
      options.resolveEnvironment === false || !options.chosen.has(name)
        ? service
        : withEnvironment(context, service, (key) => found.environment.get(key), from);
    const labelled = withLabels(context, environed, options.chosen.has(name) ? (labelFiles ?? []) : [], from);
    const agree =
      options.checkConsistency !== false && labelled.scale !== undefined && labelled.deploy?.replicas !== undefined;
    services[name] = agree
      ? { ...labelled, deploy: { ...labelled.deploy, replicas: labelled.scale } as never }
      : labelled;
  }
  return services;
}

/** Fills in what the variable named by `environment` holds. */
function withValues<T extends SecretSpec>(
  objects: Readonly<Record<string, T>> | undefined,
  section: Node | undefined,
): Record<string, T> {
  const out = record<T>();
  for (const [name, object] of Object.entries(objects ?? {})) {
    const named = get(get(section, name), 'environment');
    const content = named?.kind === 'scalar' ? named.shellValue : undefined;
    out[name] = content === undefined ? object : { ...object, content };
  }
  return out;
}
