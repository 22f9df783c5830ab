import type { HealthConfig } from '../../api/types/container.ts';
import type { SourceSpan } from '../../common/diagnostic.ts';
import { parseDuration } from '../../common/duration.ts';
import { IechorError } from '../../common/error.ts';
import type { Service } from '../model/project.ts';

type Scalar = string | number | boolean;

/** What stands under a service's `x-iechor`, as it was written; hooks.ts has the hooks among it. */
interface RawExtension {
  readonly healthcheck?: Readonly<Partial<Record<string, Scalar>>> | undefined;
  readonly 'restart-unhealthy'?: Scalar | undefined;
  readonly schedule?: string | { readonly cron?: string; readonly overlap?: string } | undefined;
}

const extensionOf = (service: Service): RawExtension => (service['x-iechor'] as RawExtension | null | undefined) ?? {};

/** The parts of `x-iechor` that a container is made from, for its fingerprints. */
export function containerExtensions(service: Service): [path: string, value: unknown][] {
  const { healthcheck, 'restart-unhealthy': restart, schedule } = extensionOf(service);
  const all: [string, unknown][] = [
    ['x-iechor.healthcheck', healthcheck],
    ['x-iechor.restart-unhealthy', restart],
    ['x-iechor.schedule', schedule],
  ];
  return all.filter(([, value]) => value !== undefined);
}

export const restartsUnhealthy = (service: Service): boolean =>
  /^(true|yes|on|y)$/i.test(String(extensionOf(service)['restart-unhealthy'] ?? false));

/** `x-iechor.schedule` as the engine's annotation has it; undefined for a service that runs all the time. */
export function scheduleAnnotation(service: Service): string | undefined {
  const { schedule } = extensionOf(service);
  if (schedule === undefined) return undefined;
  return JSON.stringify(typeof schedule === 'string' ? { cron: schedule } : schedule);
}

/** Started by the clock, and not by `up`. */
export const isScheduled = (service: Service): boolean => extensionOf(service).schedule !== undefined;

/** Whether only our engine can do what the service asks for. */
export const needsIechord = (service: Service): boolean =>
  isScheduled(service) || restartsUnhealthy(service) || extensionOf(service).healthcheck !== undefined;

/** Whether a service has a health check of one kind or the other. */
export const isProbed = (service: Service): boolean =>
  extensionOf(service).healthcheck !== undefined || (service.healthcheck !== undefined && !service.healthcheck.disable);

/** `x-iechor.healthcheck` as the engine takes it; undefined where there is none. Throws COMPOSE_INVALID. */
export function dialedHealth(service: Service): HealthConfig | undefined {
  const { healthcheck } = extensionOf(service);
  if (!healthcheck) return undefined;
  const nanoseconds = (name: string) => {
    const value = healthcheck[name];
    return value === undefined ? undefined : parseDuration(String(value));
  };
  const times = {
    Interval: nanoseconds('interval'),
    Timeout: nanoseconds('timeout'),
    Retries: healthcheck.retries === undefined ? undefined : Number(healthcheck.retries),
    StartPeriod: nanoseconds('start_period'),
    StartInterval: nanoseconds('start_interval'),
  };
  const written = Object.entries(times).filter(([, value]) => value !== undefined);
  return { Test: testOf(healthcheck), ...Object.fromEntries(written) };
}

function testOf({ tcp, http, status }: NonNullable<RawExtension['healthcheck']>): string[] {
  if ((tcp === undefined) === (http === undefined)) throw invalid('one of tcp and http is needed');
  if (tcp !== undefined) return ['TCP', String(tcp)];
  const url = addressOf(String(http));
  return ['HTTP', url, ...(status === undefined ? [] : [String(status)])];
}

/** `8080`, `:8080/health` and `http://localhost:8080/health` are the same place. */
function addressOf(text: string): string {
  const short = /^:?(\d+)(\/.*)?$/.exec(text);
  const url = short ? `http://localhost:${short[1]}${short[2] ?? '/'}` : text;
  if (URL.canParse(url) && new URL(url).protocol === 'http:') return url;
  throw invalid(`http takes an address such as :8080/health, not "${text}"`);
}

const invalid = (why: string): IechorError => new IechorError('COMPOSE_INVALID', `x-iechor.healthcheck: ${why}`);

interface Checked {
  readonly services: ReadonlyMap<string, { readonly name: string; readonly service: Service }>;
  readonly spanOf: (...path: (string | number)[]) => readonly SourceSpan[];
}

/** Throws what is wrong with the extensions of the services, with its place. */
export function checkExtensions(desired: Checked, services: ReadonlySet<string>): void {
  for (const { name, service } of desired.services.values()) {
    if (!services.has(name)) continue;
    try {
      dialedHealth(service);
    } catch (error) {
      throw new IechorError('COMPOSE_INVALID', `services.${name}.${(error as Error).message}`, {
        at: desired.spanOf('services', name, 'x-iechor', 'healthcheck').slice(0, 1),
        hint: 'write healthcheck: {tcp: 5432}, or healthcheck: {http: ":8080/health"}',
        cause: error,
      });
    }
  }
}
