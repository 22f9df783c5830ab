import type { ContainerConfig } from '../api/types/container.ts';
import { printableProject } from './config.ts';
import type { Printable } from './model/printable.ts';
import type { Project, Service } from './model/project.ts';
import { toYaml } from './model/yaml-text.ts';
import { contentSource } from './plan/delivered-files.ts';
import { imageName } from './plan/names.ts';
import type { ContentSource } from './plan/plan.ts';

export interface BridgeInput {
  /** What images say of themselves, by the names that services give them; those that are missing say nothing. */
  readonly images: ReadonlyMap<string, ContainerConfig>;
  /** The content of a secret or config. */
  readonly read: (source: ContentSource) => string;
}

/**
 * The project as transformers of Docker's Compose Bridge read it: canonical YAML, every service with its image and all
 * ports it listens on, secrets and configs with their content.
 */
export function bridgeModel(project: Project, input: BridgeInput): string {
  const services = Object.fromEntries(
    Object.entries(project.services).map(([name, service]) => {
      const image = imageName(project, name, service);
      return [name, { ...service, image, expose: portsOf(service, input.images.get(image)) }];
    }),
  );
  const tree = printableProject({ ...project, services });
  for (const part of ['secrets', 'configs'] as const) {
    const printed = asMap(asMap(tree)?.get(part));
    for (const [name, spec] of Object.entries(project[part])) {
      const own = asMap(printed?.get(name));
      if (own && !spec.external) own.set('content', input.read(contentSource(spec)));
    }
  }
  return toYaml(tree);
}

/** The images a project's services run. */
export const bridgeImages = (project: Project): { image: string; isBuilt: boolean }[] =>
  Object.entries(project.services).map(([name, service]) => ({
    image: imageName(project, name, service),
    isBuilt: service.build !== undefined,
  }));

const portsOf = (service: Service, image: ContainerConfig | undefined): string[] => [
  ...new Set([
    ...(service.expose ?? []).map(String),
    ...Object.keys(image?.ExposedPorts ?? {}).map((port) => port.split('/')[0] ?? ''),
    ...(service.ports ?? []).map(({ target }) => String(target)),
  ]),
];

const asMap = (value: Printable | undefined): Map<string, Printable> | undefined =>
  value instanceof Map ? value : undefined;
