/** What a JSON value has to look like; null counts as "not given" everywhere. `*` stands for all keys of a map. */
export type Shape = 'string' | 'number' | 'boolean' | 'object' | readonly [Shape] | { readonly [key: string]: Shape };

/** The shape that fits a type, so that a field that is added to the type has to be added here. */
export type ShapeOf<T> = [T] extends [string]
  ? 'string'
  : [T] extends [number]
    ? 'number'
    : [T] extends [boolean]
      ? 'boolean'
      : [T] extends [readonly (infer Item)[]]
        ? readonly [ShapeOf<NonNullable<Item>>]
        : string extends keyof T
          ? { readonly '*': ShapeOf<NonNullable<T[keyof T]>> }
          : [keyof T] extends [never]
            ? 'object'
            : { readonly [K in keyof T]-?: ShapeOf<NonNullable<T[K]>> };

/** First place where a value does not fit, as `HostConfig.Memory: must be a number`; undefined where it fits. */
export function misfit(value: unknown, shape: Shape, path = ''): string | undefined {
  if (value === null || value === undefined) return undefined;
  const at = (key: string | number) => (path === '' ? String(key) : `${path}.${key}`);
  if (typeof shape === 'string') {
    const fits = shape === 'object' ? isMap(value) : typeof value === shape;
    return fits ? undefined : `${path}: must be ${shape === 'object' ? 'an' : 'a'} ${shape}`;
  }
  if (isList(shape)) {
    if (!Array.isArray(value)) return `${path}: must be a list`;
    return first(value.map((item, index) => misfit(item, shape[0], at(index))));
  }
  if (!isMap(value)) return `${path || 'the body'}: must be an object`;
  return first(
    Object.entries(value).map(([key, item]) => {
      const of = Object.hasOwn(shape, key) ? shape[key] : shape['*'];
      return of === undefined ? undefined : misfit(item, of, at(key));
    }),
  );
}

/** Drops the nulls that mean "not given", in place; those of maps and lists stay. */
export function dropNulls(value: unknown, shape: Shape): void {
  if (typeof shape === 'string' || value === null || value === undefined) return;
  if (isList(shape)) {
    for (const item of value as unknown[]) dropNulls(item, shape[0]);
    return;
  }
  const map = value as Record<string, unknown>;
  for (const [key, item] of Object.entries(map)) {
    const of = Object.hasOwn(shape, key) ? shape[key] : shape['*'];
    if (item === null && !('*' in shape)) delete map[key];
    else if (of !== undefined) dropNulls(item, of);
  }
}

/**
 * Gives keys of objects the casing their shape has, in place: Docker's engine reads keys without regard to it, and some
 * clients write their own. A key that is there in the right casing wins.
 */
export function canonicalKeys(value: unknown, shape: Shape): void {
  if (typeof shape === 'string' || typeof value !== 'object' || value === null) return;
  if (isList(shape)) {
    if (Array.isArray(value)) for (const item of value) canonicalKeys(item, shape[0]);
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
    if (of !== undefined) canonicalKeys(item, of);
  }
}

const isList = (shape: Shape): shape is readonly [Shape] => Array.isArray(shape);
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const first = (found: readonly (string | undefined)[]) => found.find((one) => one !== undefined);
