import type { Diagnostic } from '../../common/diagnostic.ts';
import { IechorError } from '../../common/error.ts';
import type { Project } from '../model/project.ts';
import type { Desired } from './desired.ts';

export interface UnsupportedRow {
  /** `*` stands for any key or index. Matches where the value is set. */
  readonly path: string;
  /** Only these values; default: any. */
  readonly when?: (value: unknown) => boolean;
  readonly why: string;
  /** Only said, not refused: the containers run as the file says, the attribute speaks to something else. */
  readonly notice?: true;
  /** Against a project that was read in part; one that was read whole does not have it. */
  readonly guard?: true;
}

export const set = (value: unknown): boolean => value === true;
export const notEmpty = (value: unknown): boolean => Object.keys((value ?? {}) as object).length > 0;

/**
 * All that the model knows and a plan cannot do yet: refused by `up` and its kin, by name and place, or said to be
 * without effect. An attribute that works is taken off this list; docs/compose-support.md is made from it.
 */
export const unsupportedRows: readonly UnsupportedRow[] = [
  { path: 'services.*.credential_spec', why: 'it applies to Windows containers' },
  { path: 'services.*.cpu_count', why: 'it applies to Windows containers' },
  { path: 'services.*.cpu_percent', why: 'it applies to Windows containers' },
  { path: 'services.*.isolation', when: (value) => value !== 'default', why: 'it applies to Windows containers' },
  { path: 'services.*.env_file', when: notEmpty, why: 'its files were not read', guard: true },
  { path: 'services.*.pull_refresh_after', why: 'time-based pull policies are not supported yet' },
  {
    path: 'services.*.volumes.*.type',
    when: (value) => value === 'cluster' || value === 'npipe',
    why: 'volumes of this type are not supported',
  },
  {
    path: 'services.*.deploy.mode',
    when: (value) => value !== 'replicated' && value !== 'global',
    why: 'only replicated and global services are supported',
  },
  {
    path: 'services.*.deploy.labels',
    when: notEmpty,
    why: 'they belong to services of a cluster, not to containers',
    notice: true,
  },
  {
    path: 'services.*.deploy.update_config.failure_action',
    when: (value) => !['pause', 'continue', 'rollback'].includes(String(value)),
    why: 'it is one of pause, continue and rollback',
  },
  {
    path: 'services.*.deploy.rollback_config.failure_action',
    when: (value) => !['pause', 'continue'].includes(String(value)),
    why: 'it is pause or continue: a rollback is not rolled back',
  },
  { path: 'services.*.deploy.endpoint_mode', why: 'it speaks to a cluster', notice: true },
  { path: 'services.*.deploy.placement', when: notEmpty, why: 'it speaks to a cluster', notice: true },
  {
    path: 'services.*.deploy.resources.reservations.cpus',
    why: 'processors are not set aside on one machine',
    notice: true,
  },
  { path: 'services.*.deploy.resources.reservations.generic_resources', why: 'it speaks to a cluster', notice: true },
  { path: 'services.*.deploy.restart_policy.delay', why: "the engine's own back-off applies", notice: true },
  { path: 'services.*.deploy.restart_policy.window', why: "the engine's own back-off applies", notice: true },
  { path: 'services.*.build.privileged', when: set, why: 'privileged builds are not supported' },
  { path: 'services.*.build.isolation', when: (value) => value !== 'default', why: 'it applies to Windows containers' },
  ...(['secrets', 'configs'] as const).flatMap((kind): UnsupportedRow[] => [
    { path: `${kind}.*.external`, when: set, why: 'external ones need a store that is not there yet' },
    { path: `${kind}.*.template_driver`, why: 'templates are not supported' },
  ]),
  { path: 'secrets.*.driver', why: 'drivers are not supported' },
];

/** Findings about attributes nobody here can carry out: errors for what would be missing, warnings for the rest. */
export function unsupportedAttributes(
  { project, spanOf }: Pick<Desired, 'project' | 'spanOf'>,
  services: ReadonlySet<string>,
): Diagnostic[] {
  return unsupportedRows.flatMap((row) =>
    matches(project, row.path.split('.')).flatMap(({ path, value }): Diagnostic[] => {
      if (value === undefined || value === null || !(row.when?.(value) ?? true)) return [];
      if (path[0] === 'services' && !services.has(String(path[1]))) return [];
      const severity = row.notice ? 'warning' : 'error';
      const message = row.notice ? `has no effect: ${row.why}` : `is not supported: ${row.why}`;
      return [
        { severity, code: 'COMPOSE_UNSUPPORTED', path: path.join('.'), message, at: spanOf(...path).slice(0, 1) },
      ];
    }),
  );
}

/** Throws COMPOSE_UNSUPPORTED with all errors; returns the warnings. */
export function refuseUnsupported(
  desired: Pick<Desired, 'project' | 'spanOf'>,
  services: ReadonlySet<string>,
): Diagnostic[] {
  const found = unsupportedAttributes(desired, services);
  const errors = found.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return found;
  throw new IechorError('COMPOSE_UNSUPPORTED', errors.map(({ path, message }) => `${path} ${message}`).join('; '), {
    diagnostics: errors,
    at: errors[0]?.at,
  });
}

function matches(project: Project, pattern: readonly string[]): { path: string[]; value: unknown }[] {
  let found: { path: string[]; value: unknown }[] = [{ path: [], value: project }];
  for (const key of pattern) {
    found = found.flatMap(({ path, value }) => {
      if (typeof value !== 'object' || value === null) return [];
      const keys = key === '*' ? Object.keys(value) : Object.hasOwn(value, key) ? [key] : [];
      return keys.map((own) => ({ path: [...path, own], value: (value as Record<string, unknown>)[own] }));
    });
  }
  return found;
}
