import { IechorError } from '../common/error.ts';
import { bytesFlag } from './bytes-flag.ts';

type Value = string | number | boolean | readonly string[] | undefined;
/** Parsed flags of container-flags.ts. */
export type ContainerFlags = Readonly<Record<string, Value>>;

/** Values of flags by their kind; absent ones are undefined, or an empty list. */
export function flagReader(flags: ContainerFlags) {
  const str = (name: string) => (typeof flags[name] === 'string' ? flags[name] : undefined);
  return {
    str,
    num: (name: string) => (typeof flags[name] === 'number' ? flags[name] : undefined),
    on: (name: string) => flags[name] === true,
    list: (name: string): string[] => (Array.isArray(flags[name]) ? [...flags[name]] : []),
    bytes: (name: string) => bytesFlag(name, str(name)),
  };
}

/** Drops the keys whose value is undefined, for exact optional types. */
export function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

export function pair(entry: string, separator = '='): [string, string] {
  const at = entry.indexOf(separator);
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}

export function usage(message: string, hint: string): never {
  throw new IechorError('USAGE', message, { hint });
}
