import type { ErrorCode } from '../../common/error-catalogue.ts';
import { didYouMean } from '../../common/nearest.ts';
import type { Project, Service } from '../model/project.ts';
import { get, isMap, type MapNode, type Node, type Place } from './node.ts';
import { type Path, placesOf, type Report } from './report.ts';

export interface Consistency {
  readonly project: Project;
  readonly root: MapNode;
  readonly report: Report;
  readonly broken: ReadonlySet<string>;
  /** Services that are to run together. */
  readonly chosen: ReadonlySet<string>;
}

export interface ServiceCheck extends Consistency {
  readonly name: string;
  readonly service: Service;
}

/** The node at a path, as deep as it was written. */
export function nodeAt(root: Node, path: Path): Node {
  let node: Node = root;
  for (const part of path) {
    const next: Node | undefined =
      typeof part === 'number'
        ? node.kind === 'list'
          ? node.items[part]
          : undefined
        : node.kind === 'map'
          ? node.entries.get(part)
          : undefined;
    if (next === undefined) return node;
    node = next;
  }
  return node;
}

/** Tells of a mistake in a service, at the attribute below it. */
export function tell(
  check: ServiceCheck,
  attribute: readonly (string | number)[],
  message: string,
  more: { hint?: string | undefined; code?: ErrorCode; warning?: boolean; at?: readonly (Place | undefined)[] } = {},
): void {
  const path = ['services', check.name, ...attribute];
  const finding = {
    code: more.code ?? 'COMPOSE_REFERENCE',
    path,
    message,
    hint: more.hint,
    at: [...placesOf(nodeAt(check.root, path)), ...(more.at ?? [])],
  };
  if (more.warning) check.report.warning(finding);
  else check.report.error(finding);
}

/** Place of the key of an attribute, for conflicts between two of them. */
export const keyOf = (check: ServiceCheck, ...attribute: readonly (string | number)[]): Place => {
  const node = nodeAt(check.root, ['services', check.name, ...attribute]);
  return node.key ?? node.at;
};

/** Checks that what a service names is there. */
export function checkReferences(check: ServiceCheck): void {
  const { service, project } = check;
  for (const name of Object.keys(service.networks ?? {})) {
    if (!(name in project.networks)) missing(check, ['networks', name], 'network', name);
  }
  for (const [index, volume] of (service.volumes ?? []).entries()) {
    if (volume.type === 'volume' && volume.source && !(volume.source in project.volumes))
      missing(check, ['volumes', index], 'volume', volume.source);
  }
  for (const [index, config] of (service.configs ?? []).entries()) {
    if (!(config.source in project.configs)) missing(check, ['configs', index], 'config', config.source);
  }
  for (const [index, secret] of (service.secrets ?? []).entries()) {
    if (!(secret.source in project.secrets)) missing(check, ['secrets', index], 'secret', secret.source);
  }
  for (const [index, secret] of (service.build?.secrets ?? []).entries()) {
    if (!(secret.source in project.secrets)) missing(check, ['build', 'secrets', index], 'build secret', secret.source);
  }
  for (const name of Object.keys(service.models ?? {})) {
    if (!(name in project.models)) missing(check, ['models', name], 'model', name);
  }
  checkDependencies(check);
  checkContexts(check);
}

const sections: Readonly<Record<string, 'networks' | 'volumes' | 'configs' | 'secrets' | 'models'>> = {
  network: 'networks',
  volume: 'volumes',
  config: 'configs',
  secret: 'secrets',
  'build secret': 'secrets',
  model: 'models',
};

function missing(
  check: ServiceCheck,
  attribute: readonly (string | number)[],
  kind: string,
  name: string | undefined = '',
): void {
  const section = sections[kind] ?? 'networks';
  const known = Object.keys(check.project[section]);
  const hint = didYouMean(name, known) ?? `declare it under the top-level ${section}:`;
  tell(check, attribute, `service "${check.name}" refers to undefined ${kind} ${name}`, { hint });
}

function checkDependencies(check: ServiceCheck): void {
  const { name, service, root } = check;
  for (const [other, dependency] of Object.entries(service.depends_on ?? {})) {
    const state = serviceState(check, other);
    if (state === 'active') {
      checkHealth(check, other, dependency.condition);
      continue;
    }
    if (state !== 'unknown' && !dependency.required) continue;
    const profiles = state === 'unknown' ? [] : state.profiles;
    const explained =
      state === 'unknown'
        ? `depends on undefined service "${other}"`
        : `depends on service "${other}", which exists but its profile${profiles.length > 1 ? 's' : ''} [${profiles.join(', ')}] is not active`;
    const hint =
      state === 'unknown'
        ? didYouMean(other, allNames(root))
        : `activate it with --profile ${profiles[0]}, or write required: false`;
    tell(check, ['depends_on', other], `service "${name}" ${explained}`, {
      hint,
      at: [keyOf(check, 'depends_on', other)],
    });
  }
  const { network_mode: mode = '' } = service;
  const shared = mode.startsWith('service:') ? mode.slice('service:'.length) : undefined;
  if (shared !== undefined && serviceState(check, shared) !== 'active') {
    tell(check, ['network_mode'], `service "${shared}" not found for network_mode 'service:${shared}'`, {
      hint: didYouMean(shared, allNames(root)),
    });
  }
}

function checkHealth(check: ServiceCheck, other: string, condition: string): void {
  const target = check.project.services[other];
  if (condition !== 'service_healthy' || !target) return;
  const own = target['x-iechor'] as { readonly healthcheck?: unknown } | null | undefined;
  if (own?.healthcheck !== undefined) return;
  const { healthcheck } = target;
  const off = healthcheck?.disable === true || healthcheck?.test?.[0] === 'NONE';
  if (!off && (healthcheck !== undefined || target.build !== undefined)) return;
  const message = off
    ? `waits for "${other}" to be healthy, but its health check is switched off`
    : `waits for "${other}" to be healthy, but that has no healthcheck; this works only if its image brings one`;
  tell(check, ['depends_on', other, 'condition'], message, {
    warning: true,
    code: 'COMPOSE_NO_HEALTHCHECK',
    hint: `give "${other}" a healthcheck:`,
  });
}

type State = 'active' | 'unknown' | { readonly profiles: readonly string[] };

function serviceState({ project, root }: Consistency, name: string): State {
  if (Object.hasOwn(project.services, name)) return 'active';
  const disabled = project.disabledServices[name];
  if (disabled) return { profiles: disabled.profiles ?? [] };
  // A service that could not be read is there all the same: its own mistake is told already.
  return get(get(root, 'services'), name) ? 'active' : 'unknown';
}

function allNames(root: MapNode): Iterable<string> {
  const services = root.entries.get('services');
  return isMap(services) ? services.entries.keys() : [];
}

function checkContexts(check: ServiceCheck): void {
  for (const [key, context] of Object.entries(check.service.build?.additional_contexts ?? {})) {
    if (!context.startsWith('service:')) continue;
    const name = context.slice('service:'.length);
    const attribute = ['build', 'additional_contexts', key];
    if (serviceState(check, name) !== 'active') {
      const hint = didYouMean(name, allNames(check.root));
      tell(
        check,
        attribute,
        `service "${check.name}" declares unknown service "${name}" as additional contexts ${key}`,
        { hint },
      );
    } else if (check.project.services[name] && !check.project.services[name]?.build) {
      tell(
        check,
        attribute,
        `service "${check.name}" declares non-buildable service "${name}" as additional contexts ${key}`,
        { hint: `give "${name}" a build:` },
      );
    }
  }
}

/** Services that wait for each other, each cycle told once. */
export function checkCycles({ project, root, report }: Consistency): void {
  const done = new Set<string>();
  const walk = (name: string, way: readonly string[]): boolean => {
    const at = way.indexOf(name);
    if (at >= 0) {
      const cycle = [...way.slice(at), name];
      const places = cycle.slice(1).map((next, index) => {
        const node = nodeAt(root, ['services', cycle[index] ?? '', 'depends_on', next]);
        return node.key ?? node.at;
      });
      const path = ['services', cycle[0] ?? '', 'depends_on'];
      report.error({
        code: 'COMPOSE_CYCLE',
        path,
        message: `dependency cycle detected: ${cycle.join(' -> ')}`,
        hint: 'take one of the dependencies out',
        at: places,
      });
      return true;
    }
    if (done.has(name)) return false;
    const service = project.services[name];
    for (const next of Object.keys(service?.depends_on ?? {})) {
      if (Object.hasOwn(project.services, next) && walk(next, [...way, name])) break;
    }
    done.add(name);
    return false;
  };
  for (const name of Object.keys(project.services)) walk(name, []);
}
