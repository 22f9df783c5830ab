import { isAbsolute, posix, relative } from 'node:path';
import { IechorError } from '../../common/error.ts';
import { compileRules, type PathRules } from '../../context/patterns.ts';
import type { WatchRule } from '../model/parts.ts';
import type { Project, Service } from '../model/project.ts';

/** One rule of `develop.watch`, compiled. */
export interface Trigger {
  readonly service: string;
  readonly rule: WatchRule;
  /** Whether a change of this path (absolute, at or below the rule's path) sets the rule off. */
  readonly wants: (path: string) => boolean;
  /** Whether nothing below this directory can set it off. */
  readonly skips: (directory: string) => boolean;
}

export interface Triggers {
  readonly triggers: readonly Trigger[];
  readonly notices: readonly string[];
}

/** Ignore rules of a service's build context, where it has one. */
export type ReadContextRules = (service: Service) => PathRules | undefined;

/** What editors leave beside the files they save: swap files, backups, lock links, probes. */
const passing =
  /(^|\/)(\.git(\/|$)|[^/]*~$|4913$|\.[^/]*\.sw[a-z]{1,2}$|[^/]*\.kate-swp$|\.#[^/]*$|#[^/]*#$|[^/]*___jb_(tmp|old)___$|\.goutputstream-[^/]*$)/;

/** The path relative to a directory it is at or below, `''` for the directory itself; else undefined. */
export function below(directory: string, path: string): string | undefined {
  const rest = relative(directory, path);
  return rest === '..' || rest.startsWith('../') || isAbsolute(rest) ? undefined : rest;
}

/**
 * Compiles the rules of services, each once. Rules whose path a bind mount covers are left out, with a notice. Throws
 * COMPOSE_INVALID for a rule over the root directory.
 */
export function compileTriggers(
  project: Project,
  services: Iterable<string>,
  readContextRules: ReadContextRules,
): Triggers {
  const notices: string[] = [];
  const triggers = [...services].flatMap((name) => {
    const service = project.services[name];
    const rules = service?.develop?.watch ?? [];
    if (!service || rules.length === 0) return [];
    const contextRules = readContextRules(service);
    return rules.flatMap((rule, index) => {
      if (rule.path === '/') refuseRoot(name, index);
      if (isMounted(service, rule)) {
        notices.push(`path '${rule.path}' also declared by a bind mount volume, this path won't be monitored!`);
        return [];
      }
      const { 'x-initialSync': before } = rule as { readonly 'x-initialSync'?: unknown };
      if (before === true)
        notices.push('x-initialSync is DEPRECATED, please use the official `initial_sync` attribute');
      const own = before === true ? { ...rule, initial_sync: true } : rule;
      return [compile(name, own, { context: service.build?.context, rules: contextRules })];
    });
  });
  return { triggers, notices };
}

function refuseRoot(service: string, index: number): never {
  const path = `services.${service}.develop.watch[${index}].path`;
  throw new IechorError('COMPOSE_INVALID', `${path}: the whole file system cannot be watched`, {
    hint: 'name a directory of the project',
  });
}

const isMounted = (service: Service, rule: WatchRule): boolean =>
  rule.action.startsWith('sync') &&
  (service.volumes ?? []).some(
    ({ type, source }) => type === 'bind' && source !== undefined && below(source, rule.path) !== undefined,
  );

function compile(
  service: string,
  rule: WatchRule,
  build: { readonly context: string | undefined; readonly rules: PathRules | undefined },
): Trigger {
  const ignore = compileRules(rule.ignore ?? []);
  const include = rule.include?.length ? compileRules(rule.include) : undefined;
  const excluded = (path: string, rest: string): boolean => {
    if (rest !== '' && (ignore.matches(rest) || passing.test(rest))) return true;
    const inContext = build.context === undefined ? undefined : below(build.context, path);
    return inContext !== undefined && inContext !== '' && (build.rules?.matches(inContext) ?? false);
  };
  return {
    service,
    rule,
    wants(path) {
      const rest = below(rule.path, path);
      if (rest === undefined || excluded(path, rest)) return false;
      return rest === '' || (include?.matches(rest) ?? true);
    },
    skips(directory) {
      const rest = below(rule.path, directory);
      if (rest === undefined) return true;
      return rest !== '' && !ignore.hasExceptions && !build.rules?.hasExceptions && excluded(directory, rest);
    },
  };
}

/** Where a path goes in the container. */
export function containerPath({ rule }: Trigger, path: string): string {
  const rest = below(rule.path, path) ?? '';
  return posix.join('/', rule.target ?? '/', rest);
}
