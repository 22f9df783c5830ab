import type { DependencyCondition, Port, Project } from '../model/project.ts';
import { dependenciesOf, selectServices } from '../plan/dependencies.ts';
import { imageName } from '../plan/names.ts';

export interface GraphNode {
  readonly name: string;
  readonly image: string;
  readonly networks: readonly string[];
  /** `8080:80 (tcp, ingress)`. */
  readonly ports: readonly string[];
  /** How many steps of dependencies lie below it. */
  readonly depth: number;
}
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly condition: DependencyCondition;
}
export interface Graph {
  readonly project: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}
/** What is shown of each service beside its name. */
export interface Details {
  readonly image: boolean;
  readonly networks: boolean;
  readonly ports: boolean;
}

/** Services and what they depend on; with names, those and what is below them. Sorted by name. Pure. */
export function graphOf(project: Project, services: readonly string[]): Graph {
  const chosen = [...selectServices(project, services, true)].filter((name) => project.services[name]).sort();
  const depths = new Map<string, number>();
  const targets = (name: string): string[] => {
    const service = project.services[name];
    return service ? [...dependenciesOf(service).keys()].filter((other) => chosen.includes(other)) : [];
  };
  const depthOf = (name: string, above: readonly string[]): number => {
    const known = depths.get(name);
    if (known !== undefined || above.includes(name)) return known ?? 0;
    const depth = Math.max(-1, ...targets(name).map((other) => depthOf(other, [...above, name]))) + 1;
    depths.set(name, depth);
    return depth;
  };
  return {
    project: project.name,
    nodes: chosen.flatMap((name) => {
      const service = project.services[name];
      if (!service) return [];
      const networks = Object.keys(service.networks ?? {}).sort();
      const ports = (service.ports ?? []).map(portText);
      return [{ name, image: imageName(project, name, service), networks, ports, depth: depthOf(name, []) }];
    }),
    edges: chosen.flatMap((from) =>
      targets(from).map((to) => {
        const condition = dependenciesOf(project.services[from] as NonNullable<Project['services'][string]>).get(to);
        return { from, to, condition: condition?.condition ?? 'service_started' };
      }),
    ),
  };
}

const portText = ({ host_ip, published = '', target, protocol = 'tcp', mode = 'ingress' }: Port): string =>
  `${host_ip ? `${host_ip}:` : ''}${published}:${target} (${protocol}, ${mode})`;

/** The details that are asked for, each with its title. */
export function detailsOf(
  node: GraphNode,
  { image, networks, ports }: Details,
): { title: string; lines: readonly string[] }[] {
  return [
    ...(networks && node.networks.length > 0 ? [{ title: 'Networks', lines: node.networks }] : []),
    ...(ports && node.ports.length > 0 ? [{ title: 'Ports', lines: node.ports }] : []),
    ...(image ? [{ title: 'Image', lines: [node.image] }] : []),
  ];
}

/** `healthy`, `completed`; nothing for a plain start. */
export const conditionWord = (condition: DependencyCondition): string =>
  ({ service_started: '', service_healthy: 'healthy', service_completed_successfully: 'completed' })[condition];
