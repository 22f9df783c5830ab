import type { Project, Service } from '../model/project.ts';

/** Between the parts of names; `_` under --compatibility. */
export type Separator = '-' | '_';

/** `shop-web-1`, or `container_name` as it stands. */
export function containerName(
  project: string,
  service: string,
  options: { number: number; separator: Separator; own?: string | undefined },
): string {
  return options.own ?? [project, service, options.number].join(options.separator);
}

/** The image a service runs: `image`, or the name its build gets. */
export function imageName(
  project: Pick<Project, 'name'>,
  name: string,
  service: Service,
  separator: Separator = '-',
): string {
  return service.image ?? `${project.name}${separator}${name}`;
}

/** Normal form for comparing references: tag added, Docker Hub's prefixes taken off. */
export function familiarReference(reference: string): string {
  const short = reference.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '');
  const last = short.slice(short.lastIndexOf('/') + 1);
  return last.includes(':') || last.includes('@') ? short : `${short}:latest`;
}

/** As people tell images apart. */
export const shortDigest = (id: string): string => id.replace(/^sha256:/, '').slice(0, 8);
