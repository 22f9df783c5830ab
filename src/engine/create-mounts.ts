import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import type { ContainerConfig } from '../api/types/container.ts';
import type { HostConfig, Mount } from '../api/types/host-config.ts';
import { IechorError } from '../common/error.ts';
import { newId } from '../common/id.ts';
import type { ImageRecord } from '../image/types.ts';
import { checkDriver } from '../volumes/volumes.ts';
import type { ContainerRecord, RecordMount } from './container-record.ts';

type MountedImage = Pick<ImageRecord, 'id' | 'chain'>;

/** A mount as resolved; for a volume, what to create it with. */
export interface PlannedMount extends RecordMount {
  readonly volume?: {
    readonly options?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/**
 * All mounts of a new container in Docker's order of precedence: VolumesFrom, Binds, Mounts, Tmpfs, then the volumes
 * of the configuration for the places that are still free. Throws MOUNT_INVALID, NOT_FOUND.
 */
export function resolveMounts(
  host: HostConfig | undefined,
  config: ContainerConfig,
  getContainer: (name: string) => ContainerRecord,
  getImage: (name: string) => MountedImage,
): PlannedMount[] {
  const mounts = new Map<string, PlannedMount>();
  for (const from of host?.VolumesFrom ?? []) {
    for (const mount of inherited(from, getContainer)) mounts.set(mount.destination, mount);
  }
  const own = [
    ...(host?.Binds ?? []).map(parseBind),
    ...(host?.Mounts ?? []).map((mount) => (mount.Type === 'image' ? imageMount(mount, getImage) : parseMount(mount))),
    ...Object.entries(host?.Tmpfs ?? {}).map(([path, options]) => tmpfs(path, options ? options.split(',') : [])),
  ];
  const seen = new Set<string>();
  for (const mount of own) {
    if (seen.has(mount.destination)) throw invalid(`Duplicate mount point: ${mount.destination}`);
    seen.add(mount.destination);
    mounts.set(mount.destination, mount);
  }
  const named = (host?.Binds ?? []).some((bind) => !bind.startsWith('/'));
  if (named || Object.keys(config.Volumes ?? {}).length > 0) checkDriver(host?.VolumeDriver);
  for (const path of Object.keys(config.Volumes ?? {})) {
    if (coversRoot(path)) continue; // such a container is made, and refused when it is started
    const destination = checkedDestination(path && posix.join('/', path));
    if (!mounts.has(destination)) mounts.set(destination, anonymousVolume(destination));
  }
  return [...mounts.values()];
}

/** Whether a volume of an image's is its whole root directory, which nothing can be mounted over. */
export const coversRoot = (path: string): boolean => path !== '' && posix.join('/', path) === '/';

function inherited(from: string, getContainer: (name: string) => ContainerRecord): PlannedMount[] {
  const [name = '', mode] = from.split(':');
  if (mode !== undefined && mode !== 'ro' && mode !== 'rw') throw invalid(`invalid mode: ${mode}`);
  return getContainer(name)
    .mounts.filter((mount) => mount.type !== 'tmpfs')
    .map((mount) => ({ ...mount, readOnly: mode === 'ro' || mount.readOnly, noCopy: true }));
}

const propagations = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
/** Accepted and without effect here: labels without SELinux, and hints for other platforms. */
const inertModes = ['z', 'Z', 'cached', 'delegated', 'consistent'];

/** `source:destination[:options]`, where a source without a slash is a volume's name. */
function parseBind(text: string): PlannedMount {
  const [source = '', target, mode = '', ...rest] = text.split(':');
  if (target === undefined || rest.length > 0 || source === '') {
    throw invalid(`invalid volume specification: ${JSON.stringify(text)}`, 'write /host/path:/path or name:/path');
  }
  const options = mode === '' ? [] : mode.split(',');
  const known = ['ro', 'rw', 'nocopy', ...propagations, ...inertModes];
  const unknown = options.find((option) => !known.includes(option));
  if (unknown !== undefined) throw invalid(`invalid mode: ${unknown}`);
  const propagation = options.find((option) => propagations.includes(option));
  const common = { destination: checkedDestination(target), readOnly: options.includes('ro'), mode };
  if (source.startsWith('/')) {
    if (options.includes('nocopy'))
      throw invalid('invalid mode: nocopy', 'only volumes are filled with what the image has at their place');
    return {
      ...common,
      type: 'bind',
      source: posix.normalize(source),
      propagation: propagation ?? 'rprivate',
      createSource: true,
    };
  }
  if (propagation) throw invalid(`invalid mount config for type "volume": it has no propagation: ${text}`);
  return {
    ...common,
    type: 'volume',
    name: checkedVolumeName(source),
    source: '',
    propagation: '',
    noCopy: options.includes('nocopy'),
  };
}

/** Which kind of mount has which options; images have theirs. */
const optionFields = [
  ['bind', 'BindOptions'],
  ['volume', 'VolumeOptions'],
  ['tmpfs', 'TmpfsOptions'],
] as const;

function parseMount(mount: Mount): PlannedMount {
  const misses = (field: string) => invalid(`invalid mount config for type "${mount.Type}": field ${field}`);
  if (['bind', 'volume', 'tmpfs'].includes(mount.Type) && !mount.Target) throw misses('Target must not be empty');
  if (mount.Type === 'bind' && !mount.Source) throw misses('Source must not be empty');
  if (mount.Type === 'tmpfs' && mount.Source) throw misses('Source must not be specified');
  for (const [type, field] of optionFields)
    if (mount.Type !== type && mount[field])
      throw invalid(`${field} must not be specified on mount type "${mount.Type}"`);
  if (mount.ImageOptions) throw misses('ImageOptions must not be specified');
  const destination = checkedDestination(mount.Target);
  const common = { destination, readOnly: mount.ReadOnly ?? false, mode: '' };
  if (mount.Type === 'tmpfs') return { ...tmpfs(destination, tmpfsOptions(mount)), readOnly: common.readOnly };
  if (mount.Type === 'bind') return { ...common, ...bindMount(mount) };
  if (mount.Type !== 'volume') {
    throw invalid(`invalid mount config for type "${mount.Type}": mount type unknown`);
  }
  const driver = mount.VolumeOptions?.DriverConfig;
  checkDriver(driver?.Name);
  const name = mount.Source ? checkedVolumeName(mount.Source) : newId();
  return {
    ...common,
    type: 'volume',
    name,
    source: '',
    propagation: '',
    noCopy: mount.VolumeOptions?.NoCopy ?? false,
    anonymous: !mount.Source,
    ...(mount.VolumeOptions?.Subpath ? { subpath: checkedSubpath(mount.VolumeOptions.Subpath) } : {}),
    volume: {
      ...(driver?.Options ? { options: driver.Options } : {}),
      ...(mount.VolumeOptions?.Labels ? { labels: mount.VolumeOptions.Labels } : {}),
    },
  };
}

/** The files of an image, read-only. */
function imageMount(mount: Mount, getImage: (name: string) => MountedImage): PlannedMount {
  const subpath = mount.ImageOptions?.Subpath;
  const { id, chain } = getImage(mount.Source ?? '');
  const layer = chain.at(-1);
  return {
    type: 'image',
    name: mount.Source ?? '',
    image: id,
    ...(layer && { layer }),
    source: '',
    destination: checkedDestination(mount.Target),
    readOnly: true,
    propagation: 'rprivate',
    mode: '',
    ...(subpath ? { subpath: checkedSubpath(subpath) } : {}),
  };
}

function bindMount(
  mount: Mount,
): Pick<PlannedMount, 'type' | 'source' | 'propagation' | 'createSource' | 'nonRecursive' | 'flatReadOnly'> {
  const source = mount.Source ?? '';
  if (!source.startsWith('/'))
    throw invalid(`invalid mount config for type "bind": invalid mount path: '${source}' mount path must be absolute`);
  const create = mount.BindOptions?.CreateMountpoint ?? false;
  if (!create && !existsSync(source)) {
    throw invalid(
      `invalid mount config for type "bind": bind source path does not exist: ${source}`,
      'create it first, or use a named volume',
    );
  }
  const propagation = mount.BindOptions?.Propagation || 'rprivate';
  if (!propagations.includes(propagation)) throw invalid(`invalid propagation mode: ${propagation}`);
  return {
    type: 'bind',
    source: posix.normalize(source),
    propagation,
    createSource: create,
    nonRecursive: mount.BindOptions?.NonRecursive ?? false,
    flatReadOnly: mount.BindOptions?.ReadOnlyNonRecursive ?? false,
  };
}

function tmpfsOptions(mount: Mount): string[] {
  const { SizeBytes, Mode, Options } = mount.TmpfsOptions ?? {};
  return [
    ...(SizeBytes ? [`size=${SizeBytes}`] : []),
    ...(Mode ? [`mode=${Mode.toString(8)}`] : []),
    ...(Options ?? []).map((option) => option.join('=')),
  ];
}

function tmpfs(path: string, options: readonly string[]): PlannedMount {
  const destination = checkedDestination(path);
  return {
    type: 'tmpfs',
    source: '',
    destination,
    readOnly: options.includes('ro'),
    propagation: '',
    mode: '',
    tmpfsOptions: options,
  };
}

function anonymousVolume(destination: string): PlannedMount {
  return {
    type: 'volume',
    name: newId(),
    source: '',
    destination,
    readOnly: false,
    propagation: '',
    mode: '',
    anonymous: true,
  };
}

function checkedDestination(path: string | undefined): string {
  const normal = posix.normalize(path ?? '').replace(/(?<=.)\/+$/, '');
  if (!path?.startsWith('/') || path.includes('\0')) {
    throw invalid(`invalid mount path: '${path ?? ''}' mount path must be absolute`);
  }
  if (normal === '/') throw invalid("invalid specification: destination can't be '/'");
  if (normal === '/proc' || normal.startsWith('/proc/')) throw invalid(`${normal} cannot be mounted over`);
  return normal;
}

function checkedVolumeName(name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name) && name.length <= 255) return name;
  throw invalid(
    `"${name}" includes invalid characters for a local volume name`,
    'to mount a host directory, use an absolute path',
  );
}

function checkedSubpath(path: string): string {
  const normal = posix.normalize(path);
  if (!normal.startsWith('/') && normal !== '..' && !normal.startsWith('../')) return normal;
  throw invalid(`subpath must be a relative path within the volume: ${path}`);
}

function invalid(message: string, hint?: string): IechorError {
  return new IechorError('MOUNT_INVALID', message, { hint });
}
