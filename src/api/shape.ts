/**
 * What a JSON value has to look like; null counts as "not given" everywhere. `*` stands for all keys of a map. Numbers
 * are whole ones. `words`: a list of strings, or one string in its place; `nullable`: a string whose null means more.
 */
export type Shape =
  | 'string'
  | 'nullable'
  | 'number'
  | 'boolean'
  | 'object'
  | 'words'
  | readonly [Shape]
  | { readonly [key: string]: Shape };

/** The shape that fits a type, so that a field that is added to the type has to be added here. */
export type ShapeOf<T> = [T] extends [string]
  ? 'string'
  : [T] extends [number]
    ? 'number'
    : [T] extends [boolean]
      ? 'boolean'
      : [T] extends [readonly string[]]
        ? readonly ['string'] | 'words'
        : [T] extends [readonly (infer Item)[]]
          ? readonly [ShapeOf<NonNullable<Item>>]
          : string extends keyof T
            ? MapShapeOf<T[keyof T]>
            : [keyof T] extends [never]
              ? 'object'
              : { readonly [K in keyof T]-?: ShapeOf<NonNullable<T[K]>> };

type MapShapeOf<Value> = unknown extends Value
  ? 'object'
  : [Value] extends [string]
    ? { readonly '*': 'string' }
    : [Value] extends [string | null]
      ? { readonly '*': 'nullable' }
      : { readonly '*': ShapeOf<NonNullable<Value>> };

/** First place where a value does not fit, as `HostConfig.Memory: must be a number`; undefined where it fits. */
export function misfit(value: unknown, shape: Shape, path = ''): string | undefined {
  if (value === null || value === undefined) return undefined;
  const at = (key: string | number) => (path === '' ? String(key) : `${path}.${key}`);
  if (shape === 'words') return typeof value === 'string' ? undefined : misfit(value, ['string'], path);
  if (typeof shape === 'string') {
    const wrong = wrongLeaf(value, shape);
    return wrong && `${path || 'the value'}: ${wrong}`;
  }
  if (isList(shape)) {
    if (!Array.isArray(value)) return `${path || 'the value'}: must be a list`;
    return first(value.map((item, index) => misfit(item, shape[0], at(index))));
  }
  if (!isMap(value)) return `${path || 'the value'}: must be an object`;
  return first(
    Object.entries(value).map(([key, item]) => {
      const of = Object.hasOwn(shape, key) ? shape[key] : shape['*'];
      if (of && key.includes('\0')) return `${path}: ${withNul}`;
      return of && misfit(item, of, at(key));
    }),
  );
}

/** No name, path, variable or argument can have one; secrets travel as base64. */
const withNul = 'must not contain a NUL byte';

function wrongLeaf(value: unknown, shape: Exclude<Leaf, 'words'>): string | undefined {
  if (shape === 'object') return isMap(value) ? undefined : 'must be an object';
  const type = shape === 'nullable' ? 'string' : shape;
  if (typeof value !== type) return `must be a ${type}`;
  if (typeof value === 'string') return value.includes('\0') ? withNul : undefined;
  if (typeof value !== 'number') return undefined;
  if (Number.isInteger(value)) return Math.abs(value) <= 2 ** 63 ? undefined : 'is out of range';
  return Number.isFinite(value) ? 'must be a whole number' : 'is out of range';
}

/**
 * Gives nulls their meaning, in place: a field is not given, an item of a list and a text of a map are empty, as they
 * are for Docker's engine.
 */
export function settleNulls(value: unknown, shape: Shape): void {
  const of = shape === 'words' ? (['string'] as const) : shape;
  if (typeof of === 'string' || value === null || value === undefined) return;
  if (isList(of)) {
    if (!Array.isArray(value)) return;
    for (const [index, item] of value.entries()) {
      if (item === null) value[index] = emptyOf(of[0]);
      else settleNulls(item, of[0]);
    }
    return;
  }
  const map = value as Record<string, unknown>;
  for (const [key, item] of Object.entries(map)) {
    const below = Object.hasOwn(of, key) ? of[key] : of['*'];
    if (item !== null) below && settleNulls(item, below);
    else if (!('*' in of)) delete map[key];
    else if (below === 'string') map[key] = '';
  }
}

function emptyOf(shape: Shape): unknown {
  if (shape === 'words' || isList(shape)) return [];
  const leaves: Readonly<Record<string, unknown>> = { string: '', nullable: null, number: 0, boolean: false };
  return typeof shape === 'string' && shape in leaves ? leaves[shape] : {};
}

/**
 * Gives a value the one form that its shape has, in place. Docker's engine reads keys without regard to their casing,
 * and some clients write their own: a key that is there in the right casing wins. One string for `words` is a list.
 */
export function canonicalForm(value: unknown, shape: Shape): void {
  if (typeof shape === 'string' || typeof value !== 'object' || value === null) return;
  if (isList(shape)) {
    if (Array.isArray(value)) for (const item of value) canonicalForm(item, shape[0]);
    return;
  }
  if (!isMap(value)) return;
  if (!Object.hasOwn(shape, '*')) {
    const known = new Map(Object.keys(shape).map((key) => [key.toLowerCase(), key]));
    for (const key of Object.keys(value)) {
      const right = known.get(key.toLowerCase());
      if (right === undefined || right === key) continue;
      if (!Object.hasOwn(value, right)) value[right] = value[key];
      delete value[key];
    }
  }
  for (const [key, item] of Object.entries(value)) {
    const of = Object.hasOwn(shape, key) ? shape[key] : shape['*'];
    if (of === 'words' && typeof item === 'string') value[key] = [item];
    else if (of !== undefined) canonicalForm(item, of);
  }
}

type Leaf = Extract<Shape, string>;

const isList = (shape: Shape): shape is readonly [Shape] => Array.isArray(shape);
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const first = (found: readonly (string | undefined)[]) => found.find((one) => one !== undefined);
