import { createHash } from 'node:crypto';
import type { NetworkSpec, Project, Service, VolumeSpec } from '../model/project.ts';
import { containerExtensions } from './extension.ts';

/** Attribute path in the user's words to a short hash of its value. */
export type Fingerprints = Readonly<Record<string, string>>;

/** How fingerprints are taken of a service, a network or a volume. */
interface Rules {
  readonly service: (project: Project, name: string, service: Service) => Fingerprints;
  readonly resource: (project: string, key: string, spec: NetworkSpec | VolumeSpec) => Fingerprints;
}

/**
 * All ways in which fingerprints were ever taken, by the number that a label carries (none: 1). What an older version of
 * this program made is compared by the rules of its time, so that a change of rules never makes a container anew:
 * whoever changes what `collect` finds for a file adds rules here and leaves the old ones as they are.
 */
const rules: Readonly<Record<number, Rules>> = { 1: { service: serviceFingerprints, resource: resourceFingerprints } };
/** Those of new labels. */
export const newestRules = 1;
/** Where a label says by which rules it was written. */
const rulesKey = '@rules';

/** A label's content, for `fingerprintsOf...` of the newest rules. */
export const fingerprintsText = (fingerprints: Fingerprints): string =>
  JSON.stringify(newestRules === 1 ? fingerprints : { [rulesKey]: newestRules, ...fingerprints });

/** A service's fingerprints by the rules of a label; undefined for those of a version yet to come. */
export const fingerprintsOfService = (
  project: Project,
  name: string,
  { service, rule = newestRules }: { readonly service: Service; readonly rule?: number },
): Fingerprints | undefined => rules[rule]?.service(project, name, service);

/** The same of a network or a volume. */
export const fingerprintsOfResource = (
  project: string,
  key: string,
  { spec, rule = newestRules }: { readonly spec: NetworkSpec | VolumeSpec; readonly rule?: number },
): Fingerprints | undefined => rules[rule]?.resource(project, key, spec);

/** Attributes that do not belong to a container: how many there are, how its image comes about, when it starts. */
const notOfContainer = new Set([
  'build',
  'pull_policy',
  'scale',
  'depends_on',
  'profiles',
  'develop',
  'attach',
  'post_start',
  'pre_stop',
  'container_name',
]);
/** Maps that are told apart by key, so that a reason can name the key. */
const byKey = new Set([
  'environment',
  'labels',
  'networks',
  'sysctls',
  'extra_hosts',
  'annotations',
  'ulimits',
  'driver_opts',
  'ipam',
]);
const maxBytes = 4096;

/**
 * Fingerprints of what a container is made from: hashes, so that no value can be read back from a label. Only what
 * the user wrote counts, so a newer version of this program finds the same ones.
 */
function serviceFingerprints(project: Project, name: string, service: Service): Fingerprints {
  const fine = collect(project, name, service, true);
  return JSON.stringify(fine).length <= maxBytes ? fine : collect(project, name, service, false);
}

function collect(project: Project, name: string, service: Service, fine: boolean): Fingerprints {
  const salt = `${project.name}/${name}`;
  const { found, note } = notes(salt);
  for (const [key, value] of Object.entries(service)) {
    if (value === undefined || value === null || notOfContainer.has(key) || key.startsWith('x-')) continue;
    if (key === 'deploy') noteDeploy(value, note);
    else if (fine && byKey.has(key)) for (const [entry, own] of Object.entries(value)) note(`${key}.${entry}`, own);
    else note(key, value);
  }
  for (const [path, value] of containerExtensions(service)) note(path, value);
  for (const kind of ['secrets', 'configs'] as const) {
    for (const { source } of service[kind] ?? []) {
      const spec = project[kind][source];
      if (spec) note(`${kind}.${source}`, [spec.file, spec.environment, spec.content]);
    }
  }
  for (const key of Object.keys(service.networks ?? {}))
    note(`networks.${key}`, [project.networks[key]?.name, service.networks?.[key]]);
  return sorted(found);
}

function notes(salt: string): { found: Record<string, string>; note: (path: string, value: unknown) => void } {
  const found: Record<string, string> = {};
  const note = (path: string, value: unknown) => {
    found[path] = createHash('sha256')
      .update(`${salt}/${path}/${stable(value)}`)
      .digest('hex')
      .slice(0, 8);
  };
  return { found, note };
}

/** Of a network or a volume: all but its name and what it belongs to. */
function resourceFingerprints(project: string, key: string, spec: NetworkSpec | VolumeSpec): Fingerprints {
  const { found, note } = notes(`${project}/${key}`);
  for (const [name, value] of Object.entries(spec)) {
    if (value === undefined || value === null || name === 'name' || name === 'external' || name.startsWith('x-'))
      continue;
    if (byKey.has(name)) {
      for (const [entry, own] of Object.entries(value))
        if (own !== undefined && !entry.startsWith('x-')) note(`${name}.${entry}`, own);
    } else note(name, value);
  }
  return sorted(found);
}

const sorted = (found: Fingerprints): Fingerprints =>
  Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Of `deploy`, what reaches the container: resources and the restart policy. */
function noteDeploy(deploy: NonNullable<Service['deploy']>, note: (path: string, value: unknown) => void): void {
  for (const [kind, value] of Object.entries(deploy.resources)) note(`deploy.resources.${kind}`, value);
  if (deploy.restart_policy) note('deploy.restart_policy', deploy.restart_policy);
}

/** JSON with sorted keys. */
export function stable(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** An attribute that is not what it was. */
export interface Difference {
  readonly path: string;
  readonly how: 'added' | 'removed' | 'changed';
}

/** Attributes that differ, in order; empty when the two say the same. */
export function differences(before: Fingerprints, now: Fingerprints): Difference[] {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return paths.flatMap((path): Difference[] => {
    if (before[path] === now[path]) return [];
    if (before[path] === undefined) return [{ path, how: 'added' }];
    return [{ path, how: now[path] === undefined ? 'removed' : 'changed' }];
  });
}

/** The label's content, and the rules it was written by; undefined where it is missing or damaged. */
export function parseFingerprints(
  text: string | undefined,
): { readonly fingerprints: Fingerprints; readonly rule: number } | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { [rulesKey]: rule = 1, ...fingerprints } = value as Record<string, unknown>;
    return { fingerprints: fingerprints as Fingerprints, rule: Number(rule) };
  } catch {
    return undefined;
  }
}

/** A fingerprint's path as keys; keys of users may hold dots. */
export function attributePath(path: string): string[] {
  const dot = path.indexOf('.');
  if (dot < 0 || !byKey.has(path.slice(0, dot))) return path.split('.');
  return [path.slice(0, dot), path.slice(dot + 1)];
}
