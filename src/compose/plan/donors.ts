import { IechorError } from '../../common/error.ts';
import type { Desired, DesiredService } from './desired.ts';
import type { Observed } from './observe.ts';

/** What a service takes from the container of another, by attribute. */
const shares = [
  { attribute: 'network_mode', what: 'network namespace' },
  { attribute: 'ipc', what: 'IPC namespace' },
  { attribute: 'pid', what: 'PID namespace' },
  { attribute: 'volumes_from', what: 'volumes' },
  { attribute: 'links', what: 'address' },
] as const;

/** Throws CONTAINER_NOT_FOUND where a service shares with another that has no container and gets none now. Pure. */
export function refuseMissingDonors(desired: Desired, observed: Observed, selected: ReadonlySet<string>): void {
  const has = (donor: string) =>
    (selected.has(donor) && (desired.services.get(donor)?.scale ?? 0) > 0) ||
    observed.containers.some(({ service, oneoff }) => service === donor && !oneoff);
  for (const service of desired.services.values()) {
    if (!selected.has(service.name) || service.scale === 0) continue;
    const missing = service.providers.find((donor) => !has(donor));
    if (missing !== undefined) throw missingDonor(service, { donor: missing, none: selected.has(missing) }, desired);
  }
}

function missingDonor(
  { name, service }: DesiredService,
  { donor, none }: { readonly donor: string; readonly none: boolean },
  { spanOf }: Desired,
): IechorError {
  const share = shares.find(({ attribute }) => takesFrom(service[attribute], donor));
  const message = `service ${name} cannot share the ${share?.what ?? 'container'} of ${donor}, which has no container`;
  return new IechorError('CONTAINER_NOT_FOUND', message, {
    at: spanOf('services', name, ...(share ? [share.attribute] : [])).slice(0, 1),
    exit: 1,
    hint: none
      ? `${donor} is to have no replica: give it one`
      : `leave --no-deps away, or bring ${donor} first: iechor compose up -d ${donor}`,
  });
}

const takesFrom = (value: string | readonly string[] | undefined, donor: string): boolean =>
  typeof value === 'string'
    ? value === `service:${donor}`
    : (value ?? []).some((source) => !source.startsWith('container:') && source.split(':')[0] === donor);
