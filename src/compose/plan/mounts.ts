import type { Mount } from '../../api/types/host-config.ts';
import type { Project, Service, ServiceVolume } from '../model/project.ts';

export interface ContainerMounts {
  readonly binds: string[];
  readonly mounts: Mount[];
}

/**
 * A service's volumes in the engine's two forms, as Docker Compose chooses them: `Binds` for named volumes and for
 * host paths that may be created, `Mounts` where options need it.
 */
export function serviceMounts(project: Project, service: Service): ContainerMounts {
  const binds: string[] = [];
  const mounts: Mount[] = [];
  for (const volume of service.volumes ?? []) {
    const bind = bindText(project, volume);
    if (bind !== undefined) binds.push(bind);
    else mounts.push(mountOf(project, volume));
  }
  return { binds, mounts };
}

function bindText(project: Project, volume: ServiceVolume): string | undefined {
  const { type, source, target } = volume;
  const access = volume.read_only ? 'ro' : 'rw';
  // As with Docker Compose, a written `bind` section that does not ask for the path to be made wants it to be there.
  const made = volume.bind === undefined || volume.bind.create_host_path === true;
  if (type === 'bind' && made && !volume.bind?.recursive && !volume.consistency) {
    const options = [access, volume.bind?.selinux, volume.bind?.propagation].filter(Boolean).join(',');
    return `${source}:${target}:${options}`;
  }
  const plain = !volume.volume?.subpath && !volume.volume?.labels;
  if (type === 'volume' && source !== undefined && plain) {
    const options = volume.volume?.nocopy ? `${access},nocopy` : access;
    return `${volumeName(project, source)}:${target}:${options}`;
  }
  return undefined;
}

const volumeName = (project: Project, key: string): string => project.volumes[key]?.name ?? key;

function mountOf(project: Project, volume: ServiceVolume): Mount {
  const { type, source, target = '', read_only: readOnly, consistency } = volume;
  return {
    Type: type,
    Target: target,
    ...(source !== undefined && { Source: type === 'volume' ? volumeName(project, source) : source }),
    ...(readOnly && { ReadOnly: true }),
    ...(consistency && { Consistency: consistency }),
    ...typeOptions(volume),
  };
}

function typeOptions({ type, bind, volume, tmpfs, image }: ServiceVolume): Partial<Mount> {
  if (type === 'bind') {
    return {
      BindOptions: {
        ...(bind?.propagation && { Propagation: bind.propagation }),
        ...(bind?.create_host_path && { CreateMountpoint: true }),
        ...(bind?.recursive === 'disabled' && { NonRecursive: true }),
        ...(bind?.recursive === 'writable' && { ReadOnlyNonRecursive: true }),
        ...(bind?.recursive === 'readonly' && { ReadOnlyForceRecursive: true }),
      },
    };
  }
  if (type === 'volume') {
    return {
      VolumeOptions: {
        ...(volume?.nocopy && { NoCopy: true }),
        ...(volume?.subpath && { Subpath: volume.subpath }),
        ...(volume?.labels && { Labels: { ...volume.labels } }),
      },
    };
  }
  if (type === 'tmpfs' && tmpfs) {
    return {
      TmpfsOptions: {
        ...(tmpfs.size !== undefined && { SizeBytes: tmpfs.size }),
        ...(tmpfs.mode !== undefined && { Mode: tmpfs.mode }),
      },
    };
  }
  return type === 'image' && image?.subpath ? { ImageOptions: { Subpath: image.subpath } } : {};
}

/** Mount targets a body already has. */
export function takenTargets(binds: readonly string[], mounts: readonly Mount[]): Set<string> {
  const ofBind = (text: string) => text.split(':')[1] ?? '';
  return new Set([...binds.map(ofBind), ...mounts.filter((mount) => !isAnonymous(mount)).map((mount) => mount.Target)]);
}

/** A volume without a name: the engine makes one for the container. */
export const isAnonymous = (mount: Mount): boolean => mount.Type === 'volume' && mount.Source === undefined;
