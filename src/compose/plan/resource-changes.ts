import type { NetworkCreateBody, NetworkInspect, Volume, VolumeCreateBody } from '../../api/types/network.ts';
import { masked } from './attribute-values.ts';
import type { DesiredResource } from './desired.ts';
import { changesSince, type Reason } from './divergence.ts';
import { attributePath, type Difference } from './fingerprints.ts';
import { labels } from './labels.ts';

type Found = Partial<NetworkInspect> | Volume;
type Body = NetworkCreateBody | VolumeCreateBody;
/** What the two kinds, and what there is and what there will be, say alike. */
type Told = Pick<NetworkCreateBody, 'Internal' | 'Attachable' | 'EnableIPv4' | 'EnableIPv6' | 'IPAM' | 'Options'> &
  Pick<VolumeCreateBody, 'Driver' | 'DriverOpts' | 'Labels'>;

/** What of a network or volume can be shown; the rest is only named. */
const values: Readonly<Record<string, (one: Told, key: string) => unknown>> = {
  driver: ({ Driver }) => Driver,
  driver_opts: ({ DriverOpts, Options }, key) => (DriverOpts ?? Options)?.[key],
  internal: ({ Internal }) => Internal,
  attachable: ({ Attachable }) => Attachable,
  enable_ipv4: ({ EnableIPv4 }) => EnableIPv4,
  enable_ipv6: ({ EnableIPv6 }) => EnableIPv6,
  labels: ({ Labels }, key) => Labels?.[key],
  ipam: ({ IPAM }, key) =>
    key === 'driver'
      ? IPAM?.Driver
      : key === 'config'
        ? IPAM?.Config?.map(({ Subnet }) => Subnet).join(' ')
        : undefined,
};

/**
 * Why a network or volume of the project is not what the file asks for: `driver_opts.type nfs -> tmpfs`; undefined when
 * it is. Pure.
 */
export function resourceReason(
  found: Found,
  desired: Pick<DesiredResource<Body>, 'body' | 'fingerprintsBy'>,
): Reason | undefined {
  const own = found.Labels ?? {};
  // Without any of these labels nobody knows what it was made from.
  if (own[labels.configHash] === undefined && own[labels.fingerprints] === undefined) return undefined;
  const changes = changesSince(own, {
    hash: () => desired.body.Labels?.[labels.configHash],
    by: desired.fingerprintsBy,
  });
  if (changes === undefined) return undefined;
  if ('maker' in changes) return { text: `made by ${changes.maker} from another configuration` };
  const attributes = changes.differences;
  return { text: attributes.map((one) => textOf(one, found, desired.body)).join('; '), attributes };
}

function textOf({ path, how }: Difference, found: Told, body: Told): string {
  const [name = '', key = ''] = attributePath(path);
  const value = values[name];
  const [old, now] = [found, body].map((one) => shown(value?.(one, key), key));
  return value === undefined || old === now ? `${path} ${how}` : `${path} ${old} -> ${now}`;
}

const shown = (value: unknown, key: string): string =>
  value === undefined || value === null || value === '' ? '(none)' : masked([String(value)], key).join(' ');
