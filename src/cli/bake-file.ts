import { IechorError } from '../common/error.ts';
import { didYouMean } from '../common/nearest.ts';

/** A build of a bake file, with what it inherits. Names are the file's own. */
export interface BakeTarget {
  readonly context?: string;
  readonly contexts?: Readonly<Record<string, string>>;
  readonly dockerfile?: string;
  readonly 'dockerfile-inline'?: string;
  readonly args?: Readonly<Record<string, string | null>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  readonly target?: string;
  readonly secret?: readonly string[];
  readonly ssh?: readonly string[];
  readonly platforms?: readonly string[];
  readonly output?: readonly string[];
  readonly pull?: boolean;
  readonly 'no-cache'?: boolean;
  readonly 'no-cache-filter'?: readonly string[];
  readonly attest?: readonly string[];
  readonly annotations?: readonly string[];
  readonly 'cache-from'?: readonly string[];
  readonly 'cache-to'?: readonly string[];
  readonly network?: string;
  readonly 'shm-size'?: string;
  readonly ulimits?: readonly string[];
  readonly entitlements?: readonly string[];
  readonly 'extra-hosts'?: Readonly<Record<string, string>>;
}
export interface BakeFile {
  readonly group: Readonly<Record<string, { readonly targets: readonly string[] }>>;
  readonly target: Readonly<Record<string, BakeTarget>>;
}

type Kind = 'text' | 'texts' | 'map' | 'switch';
const keys: Readonly<Record<string, Kind>> = {
  context: 'text',
  contexts: 'map',
  dockerfile: 'text',
  'dockerfile-inline': 'text',
  args: 'map',
  labels: 'map',
  tags: 'texts',
  target: 'text',
  secret: 'texts',
  ssh: 'texts',
  platforms: 'texts',
  output: 'texts',
  pull: 'switch',
  'no-cache': 'switch',
  'no-cache-filter': 'texts',
  attest: 'texts',
  annotations: 'texts',
  'cache-from': 'texts',
  'cache-to': 'texts',
  network: 'text',
  'shm-size': 'text',
  ulimits: 'texts',
  entitlements: 'texts',
  'extra-hosts': 'map',
};

type Values = Record<string, unknown>;
const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const invalid = (message: string, hint?: string) => new IechorError('USAGE', message, { hint });

/** Reads bake files in JSON; what stands in a later one is laid over the earlier ones. Throws USAGE. */
export function readBakeFiles(texts: readonly { readonly name: string; readonly text: string }[]): BakeFile {
  const group: Record<string, { targets: readonly string[] }> = Object.create(null);
  const raw: Record<string, Values> = Object.create(null);
  for (const { name, text } of texts) {
    const document = parse(name, text);
    for (const [key, value] of Object.entries(document)) {
      if (!['group', 'target'].includes(key) || !isObject(value)) {
        throw invalid(`${name}: ${JSON.stringify(key)} is not supported in a bake file`, 'group and target are.');
      }
    }
    for (const [key, value] of Object.entries((document.group as Values | undefined) ?? {})) {
      const targets = isObject(value) ? value.targets : undefined;
      if (!Array.isArray(targets)) throw invalid(`${name}: the group ${key} has no targets`);
      group[key] = { targets: targets.map(String) };
    }
    for (const [key, value] of Object.entries((document.target as Values | undefined) ?? {})) {
      if (!isObject(value)) throw invalid(`${name}: the target ${key} is no object`);
      raw[key] = overlay(raw[key] ?? {}, value);
    }
  }
  const target = Object.fromEntries(Object.keys(raw).map((key) => [key, inherited(raw, key, [])]));
  return { group, target: target as BakeFile['target'] };
}

function parse(name: string, text: string): Values {
  try {
    const document: unknown = JSON.parse(text);
    if (isObject(document)) return document;
  } catch (error) {
    throw new IechorError('USAGE', `${name} is no JSON`, {
      cause: error,
      hint: 'Bake files are Compose files or JSON.',
    });
  }
  throw invalid(`${name} is no bake file`);
}

/** Maps are merged, everything else is replaced. */
function overlay(under: Values, over: Values): Values {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isObject(value) && isObject(below) ? { ...below, ...value } : value;
  }
  return merged;
}

function inherited(raw: Readonly<Record<string, Values>>, name: string, path: readonly string[]): Values {
  const own = raw[name];
  if (!own) throw unknownTarget(name, Object.keys(raw));
  if (path.includes(name)) throw invalid(`targets inherit from each other: ${[...path, name].join(' -> ')}`);
  const { inherits = [], ...rest } = own;
  if (!Array.isArray(inherits)) throw invalid(`inherits of the target ${name} is no list`);
  const below = inherits.map((other) => inherited(raw, String(other), [...path, name]));
  return checked(name, [...below, rest].reduce(overlay, {}));
}

const unknownTarget = (name: string, known: readonly string[]) =>
  invalid(`there is no target ${JSON.stringify(name)}`, didYouMean(name, known) ?? `Targets: ${known.join(', ')}.`);

function checked(name: string, values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => {
      const isEmpty =
        value === null ||
        (Array.isArray(value) && value.length === 0) ||
        (isObject(value) && Object.keys(value).length === 0);
      if (isEmpty) return [];
      const kind = Object.hasOwn(keys, key) ? keys[key] : undefined;
      if (!kind) throw invalid(`${key} of the target ${name} is not supported`, didYouMean(key, Object.keys(keys)));
      const plain = kind === 'texts' && Array.isArray(value) ? value.map((item) => inWords(key, item)) : value;
      if (!fits(kind, plain)) throw invalid(`${key} of the target ${name} is of another type`);
      return [[key, plain]];
    }),
  );
}

/** What Docker writes as an object (`{"type":"registry","ref":"r"}`), as on the command line: `type=registry,ref=r`. */
function inWords(key: string, item: unknown): unknown {
  if (!isObject(item)) return item;
  const { type, id, paths, ...rest } = item;
  if (key === 'ssh') return [id, Array.isArray(paths) ? paths.join(',') : ''].filter(Boolean).join('=');
  const fields = Object.entries({ ...(type !== undefined && { type }), ...(id !== undefined && { id }), ...rest });
  return fields.map(([name, value]) => `${name}=${value}`).join(',');
}

function fits(kind: Kind, value: unknown): boolean {
  if (kind === 'text') return typeof value === 'string';
  if (kind === 'switch') return typeof value === 'boolean';
  if (kind === 'texts') return Array.isArray(value) && value.every((item) => typeof item === 'string');
  return isObject(value) && Object.values(value).every((item) => typeof item === 'string' || item === null);
}

/** Docker's names in `--set` for what is called otherwise in the file. */
const setNames: Readonly<Record<string, string>> = { platform: 'platforms', secrets: 'secret' };

type Outputs = readonly string[];
const isOf = (output: string, ...types: readonly string[]): boolean =>
  types.some((type) => output.split(',').includes(`type=${type}`));
const isLoaded = (output: string): boolean => isOf(output, 'docker') && !/(^|,)dest=/.test(output);

/** What stands for an output changes those that are given, as with Docker: images are pushed as they say otherwise. */
export const outputShorthands = {
  push: (given: Outputs = []): Outputs =>
    given.every(isLoaded)
      ? ['type=registry']
      : given.map((one) => (isOf(one, 'image') ? `${one.replace(/,push=[^,]*/, '')},push=true` : one)),
  load(given: Outputs = []): Outputs {
    const isThere = given.some((one) => isLoaded(one) || isOf(one, 'local', 'tar'));
    return isThere ? given : [...given, 'type=docker'];
  },
};

/**
 * Lays `--set TARGET.KEY[.NAME]=VALUE` over the targets that the pattern (`*`) names; lists are replaced, with `+=` they
 * become longer. Throws USAGE.
 */
export function setValues(file: BakeFile, entries: readonly string[]): BakeFile {
  const target: Record<string, Values> = structuredClone(file.target) as Record<string, Values>;
  const replaced = new Set<string>();
  for (const entry of entries) {
    const [, pattern = '', given = '', name, more, text = ''] =
      /^([^.=]+)\.([a-z-]+)(?:\.([^=]+?))?(\+)?=(.*)$/s.exec(entry) ?? [];
    const output = given === 'push' || given === 'load' ? outputShorthands[given] : undefined;
    if (output && !isTrue(text)) continue;
    const key = output ? 'output' : Object.hasOwn(setNames, given) ? (setNames[given] ?? '') : given;
    const kind = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (!kind || (kind === 'map') !== (name !== undefined)) {
      throw invalid(`${JSON.stringify(entry)} sets nothing`, 'TARGET.KEY=VALUE, TARGET.args.NAME=VALUE');
    }
    const matches = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
    const names = Object.keys(target).filter((one) => matches.test(one));
    if (names.length === 0) throw unknownTarget(pattern, Object.keys(target));
    for (const one of names) {
      const values = target[one] as Values;
      const before = (values[key] ?? []) as string[];
      if (output) values[key] = output(before);
      else if (kind === 'map') values[key] = { ...(values[key] as Values | undefined), [name as string]: text };
      else if (kind === 'switch') values[key] = isTrue(text);
      else if (kind === 'text') values[key] = text;
      else if (more || replaced.has(`${one}.${key}`)) values[key] = [...before, text];
      else values[key] = [text];
      replaced.add(`${one}.${key}`);
    }
  }
  return { ...file, target: target as BakeFile['target'] };
}

const isTrue = (value: string): boolean => /^(1|t|true)$/i.test(value);

/** Targets that names of targets and groups stand for, each after those it is built from (`target:NAME`). Throws USAGE. */
export function chooseTargets(file: BakeFile, names: readonly string[]): readonly string[] {
  const chosen: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) throw invalid(`${[...path, name].join(' -> ')} go round in a circle`);
    const group = Object.hasOwn(file.group, name) ? file.group[name] : undefined;
    for (const member of group?.targets ?? []) visit(member, [...path, name]);
    if (group || chosen.includes(name)) return;
    const target = Object.hasOwn(file.target, name) ? file.target[name] : undefined;
    if (!target) throw unknownTarget(name, [...Object.keys(file.group), ...Object.keys(file.target)]);
    for (const source of Object.values(target.contexts ?? {})) {
      const other = targetNamed(source);
      if (other !== undefined) visit(other, [...path, name]);
    }
    chosen.push(name);
  };
  for (const name of names.length > 0 ? names : ['default']) visit(name, []);
  return chosen;
}

/** The target that a context stands for: `target:NAME`, or in Compose files `service:NAME`. */
export function targetNamed(source: string): string | undefined {
  if (source.startsWith('target:')) return source.slice('target:'.length);
  return source.startsWith('service:') ? source.slice('service:'.length).replaceAll('.', '_') : undefined;
}
