import type { SourceSpan } from '../../common/diagnostic.ts';
import type { Desired, DesiredService, FingerprintsBy } from './desired.ts';
import { attributePath, type Difference, differences, parseFingerprints } from './fingerprints.ts';
import { labels } from './labels.ts';
import { shortDigest } from './names.ts';
import type { Observed, ObservedContainer } from './observe.ts';

export interface Reason {
  readonly text: string;
  readonly because?: SourceSpan | undefined;
  /** Attributes that differ, as fingerprints name them. */
  readonly attributes?: readonly Difference[];
}

/** Why a container is not what the file asks for, apart from its networks; undefined when it is. Pure. */
export function divergence(
  container: ObservedContainer,
  service: DesiredService,
  desired: Desired,
  observed: Observed,
): Reason | undefined {
  return (
    configDivergence(container, service, desired) ??
    imageDivergence(container, service, observed) ??
    volumeDivergence(container, service, desired)
  );
}

function configDivergence(container: ObservedContainer, service: DesiredService, desired: Desired): Reason | undefined {
  const found = changesSince(container.labels, { hash: () => service.configHash, by: service.fingerprintsBy });
  if (found === undefined) return undefined;
  if ('maker' in found) return { text: `made by ${found.maker} from another configuration` };
  const attributes = found.differences;
  const [first, ...others] = attributes as [Difference, ...Difference[]];
  const [because] =
    first.how === 'removed' ? [] : desired.spanOf('services', service.name, ...attributePath(first.path));
  const more =
    others.length === 0 ? '' : others.length === 1 ? ` and ${others[0]?.path}` : ` and ${others.length} more`;
  return { text: `${first.path} ${first.how}${more}`, because, attributes };
}

/**
 * What changed since labels were written: undefined for nothing, the attributes where they can be told, else who made
 * the thing from something else. Labels of older versions are compared by their own rules; those of docker compose, and
 * of versions yet to come, by Docker Compose's hash.
 */
export function changesSince(
  found: Readonly<Record<string, string>>,
  { hash, by }: { readonly hash: () => string | undefined; readonly by: FingerprintsBy },
): { readonly differences: readonly Difference[] } | { readonly maker: string } | undefined {
  const before = parseFingerprints(found[labels.fingerprints]);
  const now = before && by(before.rule);
  if (before && now) {
    const all = differences(before.fingerprints, now);
    return all.length === 0 ? undefined : { differences: all };
  }
  const same = found[labels.configHash] === hash();
  return same ? undefined : { maker: before ? 'a newer iechor' : 'docker compose' };
}

function imageDivergence(
  container: ObservedContainer,
  service: DesiredService,
  observed: Observed,
): Reason | undefined {
  const wanted = observed.images.get(service.image)?.id;
  if (wanted === undefined) return undefined;
  const own = container.labels[labels.image] ?? container.imageId;
  if (own === wanted || container.imageId === wanted) return undefined;
  return { text: `image ${service.image} changed ${shortDigest(own)} -> ${shortDigest(wanted)}` };
}

/** What a container that is on a network which is not there any more, or not on one of its own, lacks. */
export interface LostNetwork {
  readonly name: string;
  readonly reason: Reason;
}

/** The networks of its service that a container is not on. Pure. */
export function lostNetworks(
  container: ObservedContainer,
  service: DesiredService,
  desired: Desired,
  observed: Observed,
): LostNetwork[] {
  return Object.keys(service.service.networks ?? {})
    .sort()
    .flatMap((key): LostNetwork[] => {
      const name = desired.project.networks[key]?.name ?? key;
      const has = container.networks[name];
      const [because] = desired.spanOf('services', service.name, 'networks', key);
      if (has === undefined) return [{ name, reason: { text: `is not on network ${name}`, because } }];
      const actual = observed.networks.find((network) => network.Name === name)?.Id;
      if (has === '' || actual === undefined || has === actual) return [];
      return [{ name, reason: { text: `network ${name} was made anew`, because } }];
    });
}

/** A volume may get another name without a word of the service being changed. */
function volumeDivergence(container: ObservedContainer, service: DesiredService, desired: Desired): Reason | undefined {
  for (const { type, source, target } of service.service.volumes ?? []) {
    if (type !== 'volume' || source === undefined) continue;
    const name = desired.project.volumes[source]?.name ?? source;
    const mount = container.mounts.find(({ Destination }) => Destination === target);
    if (mount?.Type !== 'volume' || !mount.Name || mount.Name === name) continue;
    const [because] = desired.spanOf('volumes', source, 'name');
    return { text: `volume ${source} changed ${mount.Name} -> ${name}`, because };
  }
  return undefined;
}
