import { IechorError } from '../common/error.ts';
import { didYouMean } from '../common/nearest.ts';
import { printableProject } from './config.ts';
import type { Printable } from './model/printable.ts';
import { projectSpec } from './source/attributes.ts';
import type { Loaded } from './source/load.ts';
import type { AttributePath, Contribution } from './source/origins.ts';
import { pathText } from './source/report.ts';
import { childSpec, type Spec } from './source/spec.ts';

/** A value of the project, and what made it. */
export interface Explanation {
  readonly path: AttributePath;
  /** As `config` prints it. */
  readonly value: Printable;
  /**
   * Places, for the value or for parts of it: parts that were made by the same places are told as one. None for what
   * nobody wrote (`path` then names a default).
   */
  readonly parts: readonly Part[];
}
export interface Part {
  readonly path: AttributePath;
  readonly contributions: readonly Contribution[];
}

/**
 * Explains the value at a path such as `services.web.ports[0]` or `services.web.labels.com.example.x`; the project must
 * be loaded with all its resources. Throws COMPOSE_REFERENCE for a path that leads to nothing.
 */
export function explain({ project, origins }: Loaded, text: string): Explanation {
  const root = printableProject(project);
  const path = resolvePath(root, text, project.disabledServices);
  const value = path.reduce<Printable>((one, part) => childOf(one, part) ?? null, root);
  return { path, value, parts: partsOf(value, path, origins) };
}

function partsOf(value: Printable, path: AttributePath, origins: Loaded['origins']): readonly Part[] {
  const own = origins.contributions(path);
  const parts = childrenOf(value).flatMap(([key, child]) => partsOf(child, [...path, key], origins));
  const told = parts.filter(({ contributions }) => contributions.length > 0);
  if (told.length === 0) return [{ path, contributions: own }];
  const [first] = told;
  const same = told.every((part) => keyOf(part) === keyOf(first as Part));
  // Of a part that was made at one place the place of the whole says as much, and more where it was merged.
  return same && first ? [{ path, contributions: merged(first.contributions, own) }] : told;
}

const keyOf = ({ contributions }: Part): string =>
  contributions.map(({ at: { file, line, column }, kind }) => `${kind} ${file}:${line}:${column}`).join('\n');

function merged(inner: readonly Contribution[], own: readonly Contribution[]): readonly Contribution[] {
  const lines = new Set(inner.map(({ at: { file, line } }) => `${file}:${line}`));
  return [...inner, ...own.filter(({ at: { file, line }, kind }) => kind !== 'value' && !lines.has(`${file}:${line}`))];
}

function childrenOf(value: Printable): readonly [string | number, Printable][] {
  if (value instanceof Map) return [...value] as [string, Printable][];
  return Array.isArray(value) ? value.map((item, index): [number, Printable] => [index, item]) : [];
}

const childOf = (value: Printable, part: string | number): Printable | undefined =>
  childrenOf(value).find(([key]) => key === part)?.[1];

/** Keys may hold dots: at each step the longest key that fits is taken. */
function resolvePath(
  root: Printable,
  text: string,
  disabled: Loaded['project']['disabledServices'],
): readonly (string | number)[] {
  const path: (string | number)[] = [];
  let value = root;
  let spec: Spec | undefined = projectSpec;
  let rest = text.trim().replace(/^\./, '');
  while (rest !== '') {
    const step = nextStep(value, rest);
    if (step === undefined) throw notThere({ path, rest, value, spec }, disabled);
    path.push(step.key);
    value = step.value;
    spec = spec && childSpec(spec, step.key);
    rest = step.rest.replace(/^\.(?=.)/, '');
  }
  return path;
}

function nextStep(
  value: Printable,
  rest: string,
): { key: string | number; value: Printable; rest: string } | undefined {
  const quoted = /^\["((?:[^"\\]|\\.)*)"\]/.exec(rest) ?? /^\['([^']*)'\]/.exec(rest);
  const index = /^(?:\[(\d+)\]|(\d+)(?=$|[.[]))/.exec(rest);
  if (Array.isArray(value) && index) {
    const key = Number(index[1] ?? index[2]);
    const item = (value as readonly Printable[])[key];
    return item === undefined ? undefined : { key, value: item, rest: rest.slice(index[0].length) };
  }
  const fits = childrenOf(value)
    .filter(([key]) =>
      quoted ? key === quoted[1] : rest === key || rest.startsWith(`${key}.`) || rest.startsWith(`${key}[`),
    )
    .sort(([one], [other]) => String(other).length - String(one).length)[0];
  if (!fits) return undefined;
  return { key: fits[0], value: fits[1], rest: rest.slice(quoted ? quoted[0].length : String(fits[0]).length) };
}

function notThere(
  { path, rest, value, spec }: { path: AttributePath; rest: string; value: Printable; spec: Spec | undefined },
  disabled: Loaded['project']['disabledServices'],
): IechorError {
  const word = /^\["?([^"\]]*)"?\]/.exec(rest)?.[1] ?? /^[^.[]+/.exec(rest)?.[0] ?? rest;
  const asked = pathText([...path, word]);
  const keys = childrenOf(value).map(([key]) => key);
  const profiles = path.length === 1 && path[0] === 'services' ? disabled[word]?.profiles : undefined;
  if (profiles) {
    return new IechorError('COMPOSE_REFERENCE', `${asked} is not active: its profile is [${profiles.join(', ')}]`, {
      hint: `activate it with --profile ${profiles[0]}`,
    });
  }
  const known = spec?.fields?.has(word) ?? false;
  const message = known ? `${asked} is not set` : `${asked} is not in the project`;
  const names = keys.filter((key) => typeof key === 'string');
  const near = known ? undefined : (didYouMean(word, names) ?? didYouMean(word, [...(spec?.fields?.keys() ?? [])]));
  const there =
    names.length > 0
      ? `there ${path.length === 0 ? 'are' : `are, in ${pathText(path)},`} ${names.slice(0, 30).join(', ')}`
      : Array.isArray(value)
        ? `${pathText(path)} has ${value.length} ${value.length === 1 ? 'entry' : 'entries'}, counted from 0`
        : undefined;
  return new IechorError('COMPOSE_REFERENCE', message, { hint: near ?? there });
}
