import { createHash } from 'node:crypto';
import { toJson } from './model/json-text.ts';
import { naturalOrder } from './model/natural-order.ts';
import { extensionsOf, type Form, type Printable, plainPrintable, printable } from './model/printable.ts';
import type { Project, Service } from './model/project.ts';
import { notFound } from './model/select.ts';
import { toYaml } from './model/yaml-text.ts';
import { projectSpec, serviceSpec } from './source/attributes.ts';
import type { Loaded } from './source/load.ts';
import { compareText } from './source/merge.ts';
import { type MapNode, type Node, plain } from './source/node.ts';
import type { Spec } from './source/spec.ts';
import { type Variable, variablesOf } from './source/template.ts';

/** The project as `config` prints it. JSON leaves out `x-*` below the top level and `models`, as Compose does. */
export function renderConfig(project: Project, form: Form): string {
  const rendered = form === 'json' ? toJson(jsonProject(hideValues(project))) : toYaml(printableProject(project));
  // What was read with variables must not be replaced when it is read again.
  return rendered.replaceAll('$', '$$$$');
}

/** What `config` prints in YAML, as data. */
export const printableProject = (project: Project): Printable =>
  inNaturalOrder(yamlProject(hideValues(project)), projectSpec);

/** The canonical tree before types, variables kept: `config --no-interpolate`. */
export function renderTree(tree: MapNode, form: Form): string {
  const value = plainPrintable(plain(tree), form);
  return form === 'json' ? toJson(value) : toYaml(inNaturalOrder(value, undefined));
}

const sections = ['services', 'networks', 'volumes', 'secrets', 'configs', 'models'] as const;

function yamlProject(project: Project): Printable {
  const out = new Map<string, Printable>([['name', project.name]]);
  for (const section of sections) addSection(out, project, section, 'yaml');
  for (const [name, value] of extensionsOf(project as unknown as Record<string, unknown>, projectSpec))
    out.set(name, plainPrintable(value, 'yaml'));
  return out;
}

function jsonProject(project: Project): Printable {
  const out = new Map<string, Printable>([['name', project.name]]);
  for (const section of sections) if (section !== 'models') addSection(out, project, section, 'json');
  for (const [name, value] of extensionsOf(project as unknown as Record<string, unknown>, projectSpec))
    out.set(name, plainPrintable(value, 'json'));
  return new Map([...out].sort(([one], [other]) => compareText(one, other)));
}

function addSection(
  out: Map<string, Printable>,
  project: Project,
  section: (typeof sections)[number],
  form: Form,
): void {
  const spec = projectSpec.fields?.get(section);
  if (spec && (section === 'services' || Object.keys(project[section]).length > 0))
    out.set(section, printable(project[section], spec, form));
}

/** Values of secrets are never printed, those of configs only where they were written in the file. */
function hideValues(project: Project): Project {
  const without = <T extends { readonly content?: string; readonly environment?: string }>(
    all: Readonly<Record<string, T>>,
    keep: boolean,
  ) => {
    const out = Object.create(null) as Record<string, T>;
    for (const [name, { content, ...rest }] of Object.entries(all)) {
      out[name] = (keep && content !== undefined && !rest.environment ? { ...rest, content } : rest) as T;
    }
    return out;
  };
  return { ...project, secrets: without(project.secrets, false), configs: without(project.configs, true) };
}

/** Maps of users' keys are printed in YAML with numbers in keys counted: `a2` before `a10`. */
function inNaturalOrder(value: Printable, spec: Spec | undefined): Printable {
  if (Array.isArray(value)) return value.map((item) => inNaturalOrder(item, spec?.items));
  if (!(value instanceof Map)) return value;
  const entries = [...value].map(([key, one]): [string, Printable] => [
    key,
    inNaturalOrder(one, spec?.fields?.get(key) ?? spec?.values),
  ]);
  if (!spec?.fields) entries.sort(([one], [other]) => naturalOrder(one, other));
  return new Map(entries);
}

/** Names of active services, dependencies first; then of volumes, networks, models. */
export function serviceNames(project: Project): readonly string[] {
  const names: string[] = [];
  const add = (name: string) => {
    const service = project.services[name];
    if (!service || names.includes(name)) return;
    for (const other of Object.keys(service.depends_on ?? {})) add(other);
    names.push(name);
  };
  for (const name of Object.keys(project.services)) add(name);
  return names;
}
export const volumeNames = (project: Project): readonly string[] => Object.keys(project.volumes);
export const networkNames = (project: Project): readonly string[] => Object.keys(project.networks);
export const modelNames = (project: Project): readonly string[] =>
  Object.values(project.models).map(({ model }) => model);

/** All profiles that services name, active or not. */
export function profileNames(project: Project): readonly string[] {
  const all = [...Object.values(project.services), ...Object.values(project.disabledServices)];
  return [...new Set(all.flatMap((service) => service.profiles ?? []))].sort(compareText);
}

/** The image of each service: as written, or `PROJECT-SERVICE` for one that is only built. */
export const imageNames = (project: Project): readonly string[] =>
  Object.entries(project.services).map(([name, service]) => service.image ?? `${project.name}-${name}`);

/** `NAME HASH` for the services named, or all (`*`): the hash that tells whether a container is up to date. */
export function serviceHashes(project: Project, which: string): readonly string[] {
  const names = which === '*' ? Object.keys(project.services) : which.split(',');
  return names.sort(compareText).map((name) => {
    const service = project.services[name];
    if (!service) throw notFound(project, name);
    return `${name} ${serviceHash(service)}`;
  });
}

/** SHA-256 over what makes a container: scale, dependencies, profiles, build and pull policy do not count. */
export function serviceHash(service: Service): string {
  const { build: _b, pull_policy: _p, scale: _s, depends_on: _d, profiles: _f, ...rest } = service;
  const { replicas: _r, ...deploy } = rest.deploy ?? {};
  const hashed = rest.deploy ? { ...rest, deploy } : rest;
  return createHash('sha256')
    .update(compactJson(printable(hashed, serviceSpec, 'json')))
    .digest('hex');
}

const compactJson = (value: Printable): string => {
  if (value instanceof Map)
    return `{${[...value].map(([key, one]) => `${toJson(key)}:${compactJson(one)}`).join(',')}}`;
  if (Array.isArray(value)) return `[${value.map(compactJson).join(',')}]`;
  return toJson(value);
};

/** Variables that the files name, by name; load with `interpolate: false`. */
export function variables(loaded: Loaded): readonly Variable[] {
  const found = new Map<string, Variable>();
  const visit = (node: Node): void => {
    if (node.kind === 'map') for (const value of node.entries.values()) visit(value);
    else if (node.kind === 'list') for (const item of node.items) visit(item);
    else if (node.type === 'string')
      for (const variable of variablesOf(String(node.value))) found.set(variable.name, variable);
  };
  visit(loaded.tree);
  return [...found.values()].sort((one, other) => compareText(one.name, other.name));
}

/** `KEY=value` of everything interpolation saw, in order. */
export const environmentLines = (project: Project): readonly string[] =>
  Object.entries(project.environment)
    .map(([name, value]) => `${name}=${value}`)
    .sort(compareText);
