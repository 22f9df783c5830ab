import { createHash } from 'node:crypto';
import type { Project, Service } from '../model/project.ts';
import { containerExtensions } from './extension.ts';

/** Attribute path in the user's words to a short hash of its value. */
export type Fingerprints = Readonly<Record<string, string>>;

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
const byKey = new Set(['environment', 'labels', 'networks', 'sysctls', 'extra_hosts', 'annotations', 'ulimits']);
const maxBytes = 4096;

/**
 * Fingerprints of what a container is made from: hashes, so that no value can be read back from a label. Only what
 * the user wrote counts, so a newer version of this program finds the same ones.
 */
export function serviceFingerprints(project: Project, name: string, service: Service): Fingerprints {
  const fine = collect(project, name, service, true);
  return JSON.stringify(fine).length <= maxBytes ? fine : collect(project, name, service, false);
}

function collect(project: Project, name: string, service: Service, fine: boolean): Fingerprints {
  const salt = `${project.name}/${name}`;
  const found: Record<string, string> = {};
  const note = (path: string, value: unknown) => {
    found[path] = createHash('sha256')
      .update(`${salt}/${path}/${stable(value)}`)
      .digest('hex')
      .slice(0, 8);
  };
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
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

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

/** Attributes that differ, in order; empty when the two say the same. */
export function differences(
  before: Fingerprints,
  now: Fingerprints,
): { path: string; how: 'added' | 'removed' | 'changed' }[] {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return paths.flatMap((path): { path: string; how: 'added' | 'removed' | 'changed' }[] => {
    if (before[path] === now[path]) return [];
    if (before[path] === undefined) return [{ path, how: 'added' }];
    return [{ path, how: now[path] === undefined ? 'removed' : 'changed' }];
  });
}

/** The label's content; undefined where it is missing or damaged. */
export function parseFingerprints(text: string | undefined): Fingerprints | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Fingerprints) : undefined;
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
