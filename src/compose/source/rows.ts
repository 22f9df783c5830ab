import type { JsonType, Kind, Rules, Spec } from './spec.ts';

// Builders for the rows of the attribute table: the usual type of each kind, and what a row says beside it.

export const resourceName = /^[a-zA-Z0-9._-]+$/;

const row =
  (kind: Kind, accept: readonly JsonType[]) =>
  (rules: Rules = {}): Spec => ({ kind, accept, ...rules });

export const text = row('string', ['string']);
export const bool = row('bool', ['boolean', 'string']);
export const strictBool = row('bool', ['boolean']);
export const int = row('int', ['integer', 'string']);
export const number = row('int', ['number', 'string']);
export const uint = row('uint', ['integer', 'string']);
export const float = row('float', ['number', 'string']);
export const float32 = row('float32', ['number', 'string']);
export const bytes = row('bytes', ['number', 'string']);
export const duration = row('duration', ['string']);
export const any = row('any', ['string', 'number', 'boolean', 'null', 'array', 'object']);

export const command = row('command', ['null', 'string', 'array']);
const item = text();
const scalar = (accept: readonly JsonType[]): Spec => ({ kind: 'any', accept });

const withItems =
  (kind: Kind, accept: readonly JsonType[], base: Rules = {}) =>
  (rules: Rules = {}): Spec => ({ kind, accept, ...base, ...rules, items: item });

/** A list of strings without doubles. */
export const strings = withItems('strings', ['array'], { uniqueItems: true });
/** A list of strings. */
export const texts = withItems('strings', ['array']);
export const stringOrList = withItems('strings', ['string', 'array'], { uniqueItems: true });
export const textOrTexts = withItems('strings', ['string', 'array']);
export const stringsOrIntegers = (rules: Rules = {}): Spec => ({
  ...strings(rules),
  items: { kind: 'string', accept: ['string', 'integer'] },
  sameText: true,
});
export const commandLine = (rules: Rules = {}): Spec => ({ ...command(rules), items: item });
export const healthTest = (rules: Rules = {}): Spec => ({
  kind: 'healthTest',
  accept: ['string', 'array'],
  ...rules,
  items: item,
});

const anyName = /./;
const listOrMap = (kind: Kind) => {
  const values = scalar(['string', 'number', 'boolean', 'null']);
  return (rules: Rules = {}): Spec => ({
    kind,
    accept: ['object', 'array'],
    uniqueItems: true,
    keys: anyName,
    ...rules,
    items: item,
    values,
  });
};
/** A map whose values may be null (unset), or a list of `KEY=value` and `KEY`. */
export const environment = listOrMap('environment');
/** A map, or a list of `KEY=value`; no value means the empty string. */
export const labels = listOrMap('labels');
export const ssh = listOrMap('ssh');

export const options = (rules: Rules = {}, accept: readonly JsonType[] = ['string', 'number']): Spec => ({
  kind: 'options',
  accept: ['object'],
  ...rules,
  values: scalar(accept),
});
export const extraHosts = (rules: Rules = {}): Spec => ({
  kind: 'hosts',
  accept: ['object', 'array'],
  uniqueItems: true,
  keys: anyName,
  ...rules,
  items: item,
  values: { kind: 'any', accept: ['string', 'array'], items: item },
});

/** An object with attributes of its own; their order here is the order of output. */
export function object(fields: Readonly<Record<string, Spec>>, rules: Rules = {}): Spec {
  return { kind: 'object', accept: ['object'], ...rules, fields: new Map(Object.entries(fields)) };
}
/** A map with users' keys that may be written as a list of them. */
export const namesOrMap = (values: Spec, rules: Rules = {}): Spec => ({
  ...mapOf(values, { accept: ['array', 'object'], uniqueItems: true, keys: resourceName, ...rules }),
  items: item,
});
/** A map with users' keys. */
export const mapOf = (values: Spec, rules: Rules = {}): Spec => ({ kind: 'map', accept: ['object'], ...rules, values });
export const listOf = (items: Spec, rules: Rules = {}): Spec => ({ kind: 'list', accept: ['array'], ...rules, items });
