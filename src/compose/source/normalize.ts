import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  get,
  getMap,
  isList,
  isMap,
  isNull,
  isString,
  itemsOf,
  type MapNode,
  mapNode,
  type Node,
  scalarNode,
  stringOf,
} from './node.ts';
import { cleanPath } from './path-text.ts';
import { isRemoteContext } from './paths.ts';
import type { Lookup } from './template.ts';

/**
 * Says, in place, what a project means without writing it: the default network, names of resources, dependencies that
 * follow from links and shared namespaces, the builder's default file, values taken from the shell.
 */
export function normalize(root: MapNode, projectName: string, lookup: Lookup): void {
  root.entries.set('name', {
    ...scalarNode(root.at, projectName),
    ...get(root, 'name'),
    value: projectName,
    type: 'string',
  } as Node);
  const services = getMap(root, 'services');
  normalizeNetworks(root, services);
  for (const service of services?.entries.values() ?? []) if (isMap(service)) normalizeService(service, lookup);
  for (const kind of ['networks', 'volumes', 'configs', 'secrets']) nameResources(root, kind, projectName);
}

const implied = <T extends Node>(node: T): T => ({ ...node, implied: true });

function normalizeNetworks(root: MapNode, services: MapNode | undefined): void {
  let usesDefault = false;
  for (const service of services?.entries.values() ?? []) {
    if (!isMap(service) || service.entries.has('provider') || service.entries.has('network_mode')) continue;
    const networks = service.entries.get('networks');
    if (networks === undefined || (isMap(networks) && networks.entries.size === 0)) {
      const place = networks?.at ?? service.at;
      const byDefault = new Map<string, Node>([['default', implied(scalarNode(place, null))]]);
      service.entries.set('networks', implied(mapNode(place, byDefault)));
      usesDefault = true;
    } else if (get(networks, 'default')) usesDefault = true;
  }
  if (!usesDefault) return;
  const networks = getMap(root, 'networks') ?? mapNode(root.at);
  if (!networks.entries.has('default')) networks.entries.set('default', implied(scalarNode(networks.at, null)));
  root.entries.set('networks', networks);
}

function normalizeService(service: MapNode, lookup: Lookup): void {
  const policy = service.entries.get('pull_policy');
  if (isString(policy) && policy.value === 'if_not_present') policy.value = 'missing' as never;
  const build = getMap(service, 'build');
  if (build) normalizeBuild(build, lookup);
  const environment = service.entries.get('environment');
  if (environment) fromShell(environment, lookup, true);
  for (const volume of itemsOf(service.entries.get('volumes'))) {
    const target = get(volume, 'target');
    if (isString(target)) (target as { value: string }).value = cleanPath(target.value);
  }
  impliedDependencies(service);
}

function normalizeBuild(build: MapNode, lookup: Lookup): void {
  const context = build.entries.get('context');
  if (context === undefined || isNull(context)) build.entries.set('context', implied(scalarNode(build.at, '.')));
  if (!build.entries.has('dockerfile') && !build.entries.has('dockerfile_inline')) {
    const file = defaultBuildFile(stringOf(get(build, 'context')) ?? '.');
    build.entries.set('dockerfile', implied(scalarNode(build.at, file)));
  }
  const args = build.entries.get('args');
  if (args) fromShell(args, lookup, false);
}

function defaultBuildFile(context: string): string {
  return !isRemoteContext(context) && existsSync(join(context, 'iEchorfile')) ? 'iEchorfile' : 'Dockerfile';
}

/** Gives a variable without a value the shell's. One the shell does not have stays without, or goes. */
function fromShell(node: Node, lookup: Lookup, keepUnset: boolean): void {
  if (isMap(node)) {
    for (const [key, value] of node.entries) {
      if (!isNull(value)) continue;
      const found = lookup(key);
      if (found !== undefined) node.entries.set(key, { ...value, ...scalarNode(value.at, found) });
      else if (!keepUnset) node.entries.delete(key);
    }
  } else if (isList(node)) {
    node.items = node.items.flatMap((item) => {
      if (!isString(item) || item.value.includes('=')) return [item];
      const found = lookup(item.value);
      if (found === undefined) return keepUnset ? [item] : [];
      return [{ ...item, value: `${item.value}=${found}` as never }];
    });
  }
}

const namespaces = ['network_mode', 'ipc', 'pid', 'uts', 'cgroup'];

function impliedDependencies(service: MapNode): void {
  const implied: { name: string; restart: boolean; from: Node }[] = [];
  for (const link of itemsOf(service.entries.get('links'))) {
    const parts = (stringOf(link) ?? '').split(':');
    implied.push({ name: (parts.length === 2 ? parts[0] : stringOf(link)) ?? '', restart: true, from: link });
  }
  for (const namespace of namespaces) {
    const shared = service.entries.get(namespace);
    const text = stringOf(shared) ?? '';
    if (shared && text.startsWith('service:'))
      implied.push({ name: text.slice('service:'.length), restart: true, from: shared });
  }
  for (const source of itemsOf(service.entries.get('volumes_from'))) {
    const text = stringOf(source) ?? '';
    if (!text.startsWith('container:')) implied.push({ name: text.split(':')[0] ?? '', restart: false, from: source });
  }
  if (implied.length === 0) return;
  const dependencies = getMap(service, 'depends_on') ?? mapNode(service.at);
  for (const { name, restart, from } of implied) {
    if (dependencies.entries.has(name)) continue;
    const fields: [string, Node][] = [
      ['condition', scalarNode(from.at, 'service_started')],
      ['restart', scalarNode(from.at, restart)],
      ['required', scalarNode(from.at, true)],
    ];
    dependencies.entries.set(name, { ...mapNode(from.at, new Map(fields)), key: from.at });
  }
  service.entries.set('depends_on', dependencies);
}

function nameResources(root: MapNode, kind: string, projectName: string): void {
  const resources = getMap(root, kind);
  for (const [key, value] of resources?.entries ?? []) {
    const resource = isMap(value) ? value : { ...mapNode(value.at), ...(value.key && { key: value.key }) };
    if (!isMap(value) && !isNull(value)) continue;
    const name = resource.entries.get('name');
    if (name === undefined || isNull(name)) {
      const external = resource.entries.get('external');
      const isExternal = external?.kind === 'scalar' && /^(1|t|true)$/i.test(String(external.value));
      const name = isExternal ? key : `${projectName}_${key}`;
      resource.entries.set('name', implied(scalarNode(resource.key ?? resource.at, name)));
    }
    resources?.entries.set(key, resource);
  }
}
