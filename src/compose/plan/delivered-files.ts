import type { Mount } from '../../api/types/host-config.ts';
import type { FileReference, Project, Service } from '../model/project.ts';
import type { ContentSource, DeliveredFile } from './plan.ts';

export interface Deliveries {
  readonly mounts: Mount[];
  readonly files: DeliveredFile[];
}

/**
 * How a service's secrets and configs reach it: a file of the host is bind mounted read-only where no owner or mode
 * is asked for (edits show at once, as with Docker Compose); everything else is copied in before the start.
 */
export function deliveries(project: Project, service: Service): Deliveries {
  const all = [
    ...(service.secrets ?? []).map((reference) => one(project.secrets[reference.source], reference, '/run/secrets/')),
    ...(service.configs ?? []).map((reference) => one(project.configs[reference.source], reference, '/')),
  ];
  return {
    mounts: all.flatMap((delivery) => ('Target' in delivery ? [delivery] : [])),
    files: all.flatMap((delivery) => ('target' in delivery ? [delivery] : [])),
  };
}

function one(
  spec: Project['secrets'][string] | undefined,
  reference: FileReference,
  base: string,
): Mount | DeliveredFile {
  const { source, uid, gid, mode } = reference;
  const wanted = reference.target ?? source;
  const target = wanted.startsWith('/') ? wanted : `${base}${wanted}`;
  const owned = uid !== undefined || gid !== undefined || mode !== undefined;
  if (spec?.file !== undefined && !owned) {
    return { Type: 'bind', Source: spec.file, Target: target, ReadOnly: true, BindOptions: {} };
  }
  return {
    target,
    uid: Number(uid ?? 0),
    gid: Number(gid ?? 0),
    mode: mode ?? 0o444,
    source: contentSource(spec),
  };
}

/** What secrets and configs take their content from: also variables that only an included project has. */
export function deliveryEnvironment(project: Project): Readonly<Record<string, string | undefined>> {
  const named = [...Object.values(project.secrets), ...Object.values(project.configs)].flatMap((spec) =>
    spec.environment !== undefined && spec.content !== undefined ? [[spec.environment, spec.content] as const] : [],
  );
  return { ...Object.fromEntries(named), ...project.environment };
}

/** Where the content of a secret or config comes from. */
export function contentSource(spec: Project['secrets'][string] | undefined): ContentSource {
  if (spec?.file !== undefined) return { file: spec.file };
  return spec?.environment === undefined ? { content: spec?.content ?? '' } : { environment: spec.environment };
}
