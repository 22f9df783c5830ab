import type { SourceSpan } from '../../common/diagnostic.ts';
import type { Desired, DesiredService } from './desired.ts';
import { attributePath, differences, parseFingerprints } from './fingerprints.ts';
import { labels } from './labels.ts';
import type { Observed, ObservedContainer } from './observe.ts';

export interface Reason {
  readonly text: string;
  readonly because?: SourceSpan | undefined;
  /** Attributes that differ, as fingerprints name them. */
  readonly attributes?: readonly string[];
}

/** Why a container is not what the file asks for; undefined when it is. Pure. */
export function divergence(
  container: ObservedContainer,
  service: DesiredService,
  desired: Desired,
  observed: Observed,
): Reason | undefined {
  return (
    configDivergence(container, service, desired) ??
    imageDivergence(container, service, observed) ??
    networkDivergence(container, service, desired, observed)
  );
}

function configDivergence(container: ObservedContainer, service: DesiredService, desired: Desired): Reason | undefined {
  const before = parseFingerprints(container.labels[labels.fingerprints]);
  if (before === undefined) {
    if (container.labels[labels.configHash] === service.configHash) return undefined;
    return { text: 'made by docker compose from another configuration' };
  }
  const [first, ...others] = differences(before, service.fingerprints);
  if (!first) return undefined;
  const [because] =
    first.how === 'removed' ? [] : desired.spanOf('services', service.name, ...attributePath(first.path));
  const more =
    others.length === 0 ? '' : others.length === 1 ? ` and ${others[0]?.path}` : ` and ${others.length} more`;
  const attributes = [first, ...others].map(({ path }) => path);
  return { text: `${first.path} ${first.how}${more}`, because, attributes };
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

const shortDigest = (id: string): string => id.replace(/^sha256:/, '').slice(0, 8);

function networkDivergence(
  container: ObservedContainer,
  service: DesiredService,
  desired: Desired,
  observed: Observed,
): Reason | undefined {
  for (const key of Object.keys(service.service.networks ?? {}).sort()) {
    const name = desired.project.networks[key]?.name ?? key;
    const has = container.networks[name];
    const [because] = desired.spanOf('services', service.name, 'networks', key);
    if (has === undefined) return { text: `is not on network ${name}`, because };
    const actual = observed.networks.find((network) => network.Name === name)?.Id;
    if (has !== '' && actual !== undefined && has !== actual) return { text: `network ${name} was made anew`, because };
  }
  return undefined;
}
