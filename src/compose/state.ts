import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import { didYouMean } from '../common/nearest.ts';
import { type ObservedContainer, observeContainers } from './plan/observe.ts';

/** What a command is about: a project by name, and its services where the file is at hand. */
export interface Target {
  readonly project: string;
  /** Names of all services of the file; undefined: the file was not read. */
  readonly known?: readonly string[] | undefined;
}

/** Throws SERVICE_NOT_FOUND for a named service that neither the file nor a container has. */
export function checkServices(
  target: Target,
  names: readonly string[],
  containers: readonly ObservedContainer[],
): void {
  const all = new Set([...(target.known ?? []), ...containers.map(({ service }) => service)]);
  for (const name of names) {
    if (all.has(name)) continue;
    throw new IechorError('SERVICE_NOT_FOUND', `no such service: ${name}`, {
      hint: didYouMean(name, all) ?? `services: ${[...all].sort().join(', ') || 'none'}`,
    });
  }
}

/** Of all containers of a project those that a command without names is about: where the file is at hand, its services'. */
export function meant<T extends { readonly service: string }>(
  { known }: Target,
  named: readonly string[],
  containers: readonly T[],
): readonly T[] {
  return named.length > 0 || !known ? containers : containers.filter(({ service }) => known.includes(service));
}

/** Containers of the named services (none: all), one-off ones only when asked for. */
export async function findContainers(
  engine: EngineApi,
  target: Target,
  options: { services: readonly string[]; oneoff?: boolean; signal: AbortSignal },
): Promise<ObservedContainer[]> {
  const all = await observeContainers(engine, target.project, options.signal);
  checkServices(target, options.services, all);
  return all.filter(
    ({ service, oneoff }) =>
      (options.oneoff || !oneoff) && (options.services.length === 0 || options.services.includes(service)),
  );
}

/**
 * One container of a service: by `--index`, else the lowest running one, else (with `oneoff`) a running one of `run`.
 * Throws WRONG_STATE where there is none.
 */
export async function findContainer(
  engine: EngineApi,
  target: Target,
  options: {
    service: string;
    index?: number | undefined;
    running?: boolean;
    oneoff?: boolean;
    signal: AbortSignal;
  },
): Promise<ObservedContainer> {
  const { service, index, running = false, oneoff = false, signal } = options;
  const all = await findContainers(engine, target, { services: [service], oneoff, signal });
  const own = all.filter((container) => !container.oneoff);
  const stray = index === undefined && all.find((container) => container.oneoff && container.state === 'running');
  if (stray && !own.some(({ state }) => state === 'running')) return stray;
  const fitting = own.filter((container) => index === undefined || container.number === index);
  const found = fitting.find(({ state }) => state === 'running') ?? (running ? undefined : fitting[0]);
  if (found) return found;
  const which = index === undefined ? '' : ` container #${index}`;
  const state = fitting[0] ? `: it is ${fitting[0].state}` : '';
  const message = `service "${service}" is not running${which}${state}`;
  throw new IechorError('WRONG_STATE', message, { hint: `start it: up -d ${service}` });
}
