import { IechorError } from '../../common/error.ts';
import { type Desired, type DesiredService, desiredOf } from './desired.ts';
import { familiarReference } from './names.ts';
import type { BuildSpec } from './plan.ts';

/** What `additional_contexts` gives to a build: directories, images, and the images of other services. */
export function furtherContexts(
  desired: Desired,
  given: Readonly<Record<string, string>>,
): NonNullable<BuildSpec['contexts']> {
  return Object.fromEntries(
    Object.entries(given).map(([name, source]) => {
      if (source.startsWith('docker-image://')) return [name, { image: source.slice('docker-image://'.length) }];
      const service = servicesBuiltFrom(source);
      if (service === undefined) return [name, { directory: source }];
      return [name, { image: sourceService(desired, service)?.image ?? service }];
    }),
  );
}

/** A service that others are built from may be one that is not selected. */
function sourceService(desired: Desired, name: string): DesiredService | undefined {
  const { project } = desired;
  const left = project.disabledServices[name];
  return (
    desired.services.get(name) ?? (left && desiredOf({ ...project, services: { [name]: left } }).services.get(name))
  );
}

const servicesBuiltFrom = (source: string): string | undefined =>
  source.startsWith('service:') ? source.slice('service:'.length) : undefined;

/** Services whose images this one is built from: through `additional_contexts`, or because it is `FROM` them. */
export function imageSources(desired: Desired, service: DesiredService): readonly string[] {
  const bases = desired.bases?.get(service.name);
  const below = [...desired.services.values()].filter(
    (other) =>
      bases?.has(familiarReference(other.image)) &&
      familiarReference(other.image) !== familiarReference(service.image) &&
      !desired.bases?.get(other.name)?.has(familiarReference(service.image)),
  );
  return [...contextSources(service), ...below.map(({ name }) => name)];
}

const contextSources = ({ service }: DesiredService): readonly string[] =>
  Object.values(service.build?.additional_contexts ?? {}).flatMap((source) => servicesBuiltFrom(source) ?? []);

/**
 * Services to build in an order in which each comes after those it is built from, which are added where `isNeeded` says
 * that they have no image yet. Throws COMPOSE_CYCLE where they go round in a circle.
 */
export function inBuildOrder(
  desired: Desired,
  services: Iterable<DesiredService>,
  isNeeded: (service: DesiredService, how: { readonly isBase: boolean }) => boolean,
): DesiredService[] {
  const ordered: DesiredService[] = [];
  const visit = (service: DesiredService, path: readonly string[]): void => {
    if (path.includes(service.name)) {
      throw new IechorError(
        'COMPOSE_CYCLE',
        `images are built from each other: ${[...path, service.name].join(' -> ')}`,
      );
    }
    if (ordered.some(({ name }) => name === service.name)) return;
    for (const name of imageSources(desired, service)) {
      const source = sourceService(desired, name);
      const isBase = !contextSources(service).includes(name);
      if (isBase && path.includes(name)) continue;
      if (source?.service.build && (chosen.has(source) || isNeeded(source, { isBase }))) {
        visit(source, [...path, service.name]);
      }
    }
    ordered.push(service);
  };
  const chosen = new Set(services);
  for (const service of chosen) visit(service, []);
  return ordered;
}
