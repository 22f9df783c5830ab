// What a row of the attribute table can say. The rules named here are functions in the file of their stage.

export type JsonType = 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'array' | 'object';

/** How the value of a valid attribute is read into the model, and printed again. */
export type Kind =
  | 'string'
  | 'bool'
  | 'int'
  | 'uint'
  | 'float'
  | 'float32'
  | 'bytes'
  | 'duration'
  | 'mode'
  | 'count'
  | 'portNumber'
  | 'publishedPort'
  | 'command'
  | 'healthTest'
  | 'strings'
  | 'environment'
  | 'labels'
  | 'options'
  | 'multiOptions'
  | 'hosts'
  | 'ulimit'
  | 'ssh'
  | 'envFile'
  | 'object'
  | 'map'
  | 'list'
  | 'any';

export type MergeRule =
  | 'replace'
  | 'sequence'
  | 'build'
  | 'dependsOn'
  | 'nullMap'
  | 'extraHosts'
  | 'logging'
  | 'ipam'
  | 'ulimit';
export type UniqueRule = 'keyValue' | 'mountTarget' | 'device' | 'envFile' | 'expose' | 'config' | 'secret' | 'port';
export type CanonicalRule =
  | 'stringOrList'
  | 'text'
  | 'build'
  | 'fileMount'
  | 'keyValue'
  | 'dependsOn'
  | 'envFile'
  | 'extends'
  | 'gpus'
  | 'nullMap'
  | 'volume'
  | 'device'
  | 'ports'
  | 'ssh'
  | 'external';
export type DefaultRule =
  | 'buildContext'
  | 'secretTarget'
  | 'port'
  | 'deviceRequest'
  | 'throttle'
  | 'deviceWeight'
  | 'resourceAmount';
export type PathRule = 'path' | 'context' | 'hostPath' | 'watched' | 'mount' | 'driverOptions';
export type CheckRule = 'externalVolume' | 'configSource' | 'secretSource' | 'hostIp' | 'notBlank' | 'deviceRequest';
/** What a change does to a running container. */
export type Apply = 'recreate' | 'live' | 'none';

export interface Rules {
  readonly accept?: readonly JsonType[];
  readonly merge?: MergeRule;
  readonly unique?: UniqueRule;
  readonly canonical?: CanonicalRule;
  readonly default?: DefaultRule;
  readonly path?: PathRule;
  readonly check?: CheckRule;
  readonly apply?: Apply;
  /** A written zero, false or empty value is kept in the model: it differs from none. */
  readonly keep?: boolean;
  /** Printed in JSON also where there is none: Compose's own output does so. */
  readonly always?: boolean;
  readonly uniqueItems?: boolean;
  /** For `uniqueItems`, numbers are the same as the text that they are written as. */
  readonly sameText?: boolean;
  readonly oneOf?: readonly string[];
  readonly pattern?: RegExp;
  /** What to write, where the type alone does not tell. */
  readonly hint?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  /** Names of a map with users' keys. */
  readonly keys?: RegExp;
  /** Unknown keys, and keys that `keys` does not match, are let through. */
  readonly open?: boolean;
  /** `x-*` keys are refused too. */
  readonly closed?: boolean;
  /** Kept in the model, left out of print, as Compose does. */
  readonly unprinted?: boolean;
  /** JSON name, where it differs from the attribute's. */
  readonly jsonName?: string;
  /** Refused, since it is newer than the model we follow, with this hint. */
  readonly refused?: string;
  /** What `x-iechor` may hold here. It is checked, and stays in the model as it was written. */
  readonly extension?: Spec;
}

export interface Spec extends Rules {
  readonly kind: Kind;
  readonly accept: readonly JsonType[];
  readonly fields?: ReadonlyMap<string, Spec>;
  /** Of every value of a map with users' keys. */
  readonly values?: Spec;
  readonly items?: Spec;
}

/** The key below which attributes stand that only iEchor knows. */
export const extensionKey = 'x-iechor';

/** The row for one child of a value: an attribute by its name, a map's or list's member by position. */
export function childSpec(spec: Spec, key: string | number): Spec | undefined {
  if (typeof key === 'number') return spec.items;
  return spec.fields?.get(key) ?? spec.values;
}
