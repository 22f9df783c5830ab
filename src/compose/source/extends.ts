import { didYouMean } from '../../common/nearest.ts';
import { serviceSpec } from './attributes.ts';
import { absoluteIn, type LoadContext, type Resets, readSource, relativeDirectory, type Scope } from './context.ts';
import { dropPath, merge } from './merge.ts';
import {
  cloneNode,
  get,
  isMap,
  isNull,
  isString,
  type MapNode,
  mapNode,
  type Node,
  type SourceFile,
  stringOf,
} from './node.ts';
import { locate, mayUse } from './remote.ts';
import { keyPlacesOf, placesOf } from './report.ts';

interface Place {
  readonly scope: Scope;
  readonly file: SourceFile;
  readonly resets: Resets;
}

interface Link {
  readonly file: string;
  readonly service: string;
  readonly from: Node;
}

const deepest = 100;

/** Replaces every service that extends another by the merge of the two, in place. */
export async function applyExtends(context: LoadContext, root: MapNode, place: Place): Promise<void> {
  const services = root.entries.get('services');
  if (services === undefined) return;
  if (!isMap(services)) {
    context.report.error({
      code: 'COMPOSE_SCHEMA',
      path: ['services'],
      message: 'must be a mapping',
      at: placesOf(services),
    });
    return;
  }
  for (const name of services.entries.keys()) {
    const service = services.entries.get(name);
    if (isMap(service) && service.entries.has('extends'))
      await extendService(context, name, services, { ...place, chain: [] });
  }
}

type Extending = Place & { readonly chain: readonly Link[] };

/** The service with all it extends merged in; undefined where that failed (which was told). */
async function extendService(
  context: LoadContext,
  name: string,
  services: MapNode,
  place: Extending,
): Promise<Node | undefined> {
  const service = services.entries.get(name);
  if (service === undefined || isNull(service)) return service;
  const path = ['services', name];
  if (!isMap(service)) {
    context.report.error({ code: 'COMPOSE_SCHEMA', path, message: 'must be a mapping', at: placesOf(service) });
    return undefined;
  }
  const extend = service.entries.get('extends');
  if (extend === undefined) return service;
  service.entries.delete('extends');
  const base = await findBase(context, name, extend, services, place);
  if (base === undefined) context.broken.add(name);
  if (isNull(base)) service.entries.set('extends', extend);
  if (!isMap(base)) return service;
  const source = cloneNode(base);
  const holder = mapNode(source.at, new Map([['services', mapNode(source.at, new Map([[name, source]]))]]));
  for (const reset of place.resets) if (reset.length > 2) dropPath(holder, reset);
  const merged = merge(source, service, serviceSpec, path, context);
  if (service.key) merged.key = service.key;
  services.entries.set(name, merged);
  return merged;
}

async function findBase(
  context: LoadContext,
  name: string,
  extend: Node,
  services: MapNode,
  place: Extending,
): Promise<Node | undefined> {
  const { report } = context;
  const path = ['services', name, 'extends'];
  const reference = isString(extend) ? extend : get(extend, 'service');
  const base = stringOf(reference);
  if (reference === undefined || base === undefined) {
    report.error({
      code: 'COMPOSE_SCHEMA',
      path,
      message: `extends.${name}.service is required`,
      at: placesOf(extend),
    });
    return undefined;
  }
  if (!checkExtendsShape(extend, path, context)) return undefined;
  const fileName = get(extend, 'file');
  const target = stringOf(fileName);
  const file = target === undefined ? place.file.name : absoluteIn(place.scope.directory, target);
  const chain = [...place.chain, { file, service: base, from: reference }];
  const start = { file: place.file.name, service: name };
  if (
    (place.chain.length === 0 && start.file === file && base === name) ||
    isCycle(place.chain, file, base) ||
    chain.length > deepest
  ) {
    reportCycle(context, name, place.file.name, chain);
    return undefined;
  }
  if (target !== undefined && fileName) {
    const located = await locate(context, target, { at: [fileName.at], path });
    if (!located) return undefined;
    const used = { target: file, path, directory: place.scope.directory };
    if (located.root === undefined && !mayUse(context, fileName, used)) return undefined;
    const root = located.root ?? fileName.at.file.root;
    return baseFromFile(context, { name, base, target: located.name, root, reference, fileName }, { ...place, chain });
  }
  if (!services.entries.has(base)) {
    reportMissing(context, { name, base, where: place.file.name, reference }, services);
    return undefined;
  }
  return extendService(context, base, services, { ...place, resets: place.resets, chain });
}

function checkExtendsShape(extend: Node, path: string[], { report }: LoadContext): boolean {
  for (const [key, value] of isMap(extend) ? extend.entries : []) {
    if (key !== 'service' && key !== 'file') {
      const message = `\`extends\` has no attribute '${key}'; it is ignored`;
      report.warning({
        code: 'COMPOSE_NO_EFFECT',
        path: [...path, key],
        message,
        hint: didYouMean(key, ['service', 'file']),
        at: keyPlacesOf(value),
      });
    } else if (!isString(value)) {
      report.error({ code: 'COMPOSE_SCHEMA', path: [...path, key], message: 'must be a string', at: placesOf(value) });
      return false;
    }
  }
  return true;
}

interface Wanted {
  readonly name: string;
  readonly base: string;
  readonly target: string;
  readonly root: string | undefined;
  readonly reference: Node;
  readonly fileName: Node;
}

async function baseFromFile(context: LoadContext, wanted: Wanted, place: Extending): Promise<Node | undefined> {
  const { directory, environment } = place.scope;
  const path = ['services', wanted.name, 'extends', 'file'];
  const asked = { at: [wanted.fileName.at], path, root: wanted.root };
  const file = readSource(context, absoluteIn(directory, wanted.target), asked);
  if (!file) return undefined;
  const base = relativeDirectory(directory, wanted.target);
  const { root, resets } = await context.loadRaw(file, { directory, base, environment });
  const services = get(root, 'services');
  if (!root || !isMap(services)) {
    const why = services === undefined ? 'no services section' : 'services must be a mapping';
    const message = `cannot extend service "${wanted.name}" in ${file.name}: ${why}`;
    context.report.error({ code: 'COMPOSE_REFERENCE', path, message, at: [wanted.fileName.at] });
    return undefined;
  }
  if (!services.entries.has(wanted.base)) {
    reportMissing(context, { ...wanted, where: place.file.name }, services, wanted.target);
    return undefined;
  }
  return extendService(context, wanted.base, services, { ...place, file, resets });
}

function reportMissing(
  context: LoadContext,
  wanted: { name: string; base: string; where: string; reference: Node },
  services: MapNode,
  target?: string,
): void {
  context.report.error({
    code: 'COMPOSE_REFERENCE',
    path: ['services', wanted.name, 'extends'],
    message: `cannot extend service "${wanted.name}" in ${wanted.where}: service "${wanted.base}" not found${target ? ` in ${target}` : ''}`,
    hint: didYouMean(wanted.base, services.entries.keys()),
    at: placesOf(wanted.reference),
  });
}

const isCycle = (chain: readonly Link[], file: string, service: string): boolean =>
  chain.some((link) => link.file === file && link.service === service);

function reportCycle(context: LoadContext, name: string, file: string, chain: readonly Link[]): void {
  const steps = chain.map((link) => (link.file === file ? link.service : `${link.service} (${link.file})`));
  const first = chain.length === 1 || steps[0] === steps.at(-1) ? [] : [name];
  context.report.error({
    code: 'COMPOSE_CYCLE',
    path: ['services', name, 'extends'],
    message: `circular reference: services extend each other: ${[...(chain.length === 1 ? [name] : first), ...steps].join(' -> ')}`,
    at: [chain.at(-1)?.from.at, ...chain.map((link) => link.from.at)],
  });
}
