import { emptyOf } from '../source/decode.ts';
import { compareText } from '../source/merge.ts';
import type { Spec } from '../source/spec.ts';
import { formatDuration } from '../source/units.ts';
import { isTime, type Time, timeText } from './time.ts';

/** What the two text forms are made of; maps keep their order. */
export type Printable =
  | string
  | number
  | bigint
  | boolean
  | null
  | Time
  | readonly Printable[]
  | ReadonlyMap<string, Printable>;
export type Form = 'json' | 'yaml';

type Fields = Readonly<Record<string, unknown>>;

/** A value of the model as Compose prints it: sizes and durations as text, hosts as a list, empty parts left out. */
export function printable(value: unknown, spec: Spec, form: Form): Printable {
  if (value === null || value === undefined) return null;
  switch (spec.kind) {
    case 'object':
      return printObject(value as Fields, spec, form);
    case 'map':
      return printMap(value as Fields, spec.values, form);
    case 'list':
      return (value as readonly unknown[]).map((item) =>
        spec.items ? printable(item, spec.items, form) : plainPrintable(item, form),
      );
    case 'bytes':
      return String(value);
    case 'duration':
      return formatDuration(Number(value));
    case 'mode':
      return `0${Number(value).toString(8)}`;
    case 'hosts':
      return printHosts(value as Readonly<Record<string, readonly string[]>>);
    case 'ssh':
      return (value as readonly { id: string; path?: string }[]).map(({ id, path }) => (path ? `${id}: ${path}` : id));
    case 'envFile':
      return printEnvFile(value as Fields, form);
    case 'ulimit':
      return printUlimit(value as Fields, form);
    default:
      return Array.isArray(value) && value.length === 0 ? value : plainPrintable(value, form);
  }
}

function printObject(value: Fields, spec: Spec, form: Form): Printable {
  const out = new Map<string, Printable>();
  for (const [name, field] of spec.fields ?? []) {
    const own = value[name];
    if (field.unprinted) continue;
    if (own === undefined || own === null) {
      if (field.always && form === 'json') out.set(name, printable(emptyOf(field), field, form));
      continue;
    }
    const printed = printable(own, field, form);
    if (field.always && form === 'yaml' && field.kind === 'object' && isBare(printed)) continue;
    out.set(form === 'json' ? (field.jsonName ?? name) : name, printed);
  }
  if (form === 'yaml') for (const [name, own] of extensionsOf(value, spec)) out.set(name, plainPrintable(own, form));
  return out;
}

const isBare = (printed: Printable): boolean => printed instanceof Map && printed.size === 0;

/** The `x-*` beside an object's attributes, in order. */
export function extensionsOf(value: Fields, spec: Spec): [string, unknown][] {
  return Object.entries(value)
    .filter(([name]) => name.startsWith('x-') && !spec.fields?.has(name))
    .sort(([one], [other]) => compareText(one, other));
}

function printMap(value: Fields, values: Spec | undefined, form: Form): Printable {
  const out = new Map<string, Printable>();
  for (const key of Object.keys(value).sort(compareText)) {
    out.set(key, values ? printable(value[key], values, form) : plainPrintable(value[key], form));
  }
  return out;
}

const printHosts = (hosts: Readonly<Record<string, readonly string[]>>): Printable =>
  Object.entries(hosts)
    .flatMap(([host, addresses]) => addresses.map((address) => `${host}=${address}`))
    .sort(compareText);

function printEnvFile(value: Fields, form: Form): Printable {
  if (value.required === true) return String(value.path ?? '');
  const out = new Map<string, Printable>([
    ['path', String(value.path ?? '')],
    ['required', false],
  ]);
  if (value.format && form === 'json') out.set('format', String(value.format));
  return out;
}

function printUlimit(value: Fields, form: Form): Printable {
  if (value.single) return Number(value.single);
  const out = new Map<string, Printable>();
  for (const name of ['soft', 'hard']) if (form === 'yaml' || value[name]) out.set(name, Number(value[name] ?? 0));
  return out;
}

/** Data without attributes of its own: maps by the order of keys. Compose prints an empty list as null in JSON. */
export function plainPrintable(value: unknown, form: Form): Printable {
  if (value === null || value === undefined) return null;
  if (isTime(value)) return form === 'json' ? timeText(value) : value;
  if (Array.isArray(value))
    return form === 'json' && value.length === 0 ? null : value.map((item) => plainPrintable(item, form));
  if (typeof value === 'object') return printMap(value as Fields, undefined, form);
  return value as string | number | bigint | boolean;
}
