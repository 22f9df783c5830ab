import type { Mount } from '../api/types/host-config.ts';
import { parseBytes } from '../common/bytes.ts';
import { IechorError } from '../common/error.ts';

type Setter = (mount: Mount, value: string) => void;
const flag = (value: string): boolean => value === '' || /^(true|1)$/i.test(value);

const setters: Readonly<Record<string, Setter>> = {
  type: (mount, value) => {
    mount.Type = value as Mount['Type'];
  },
  source: (mount, value) => {
    mount.Source = value;
  },
  target: (mount, value) => {
    mount.Target = value;
  },
  readonly: (mount, value) => {
    mount.ReadOnly = flag(value);
  },
  consistency: (mount, value) => {
    mount.Consistency = value;
  },
  'bind-propagation': (mount, value) => {
    mount.BindOptions = { ...mount.BindOptions, Propagation: value };
  },
  'bind-nonrecursive': (mount, value) => {
    mount.BindOptions = { ...mount.BindOptions, NonRecursive: flag(value) };
  },
  'volume-nocopy': (mount, value) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: flag(value) };
  },
  'volume-subpath': (mount, value) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, Subpath: value };
  },
  'image-subpath': (mount, value) => {
    mount.ImageOptions = { Subpath: value };
  },
  'bind-create-mountpoint': (mount, value) => {
    mount.BindOptions = { ...mount.BindOptions, CreateMountpoint: flag(value) };
  },
  'tmpfs-size': (mount, value) => {
    mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: sizeOf(value) };
  },
  'tmpfs-mode': (mount, value) => {
    mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
  },
};
const synonyms: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
};

/** One `--mount key=value,...`. Throws USAGE for an unknown key or a missing target. */
export function parseMount(spec: string): Mount {
  const mount: Mount = { Type: 'volume', Target: '' };
  for (const field of spec.split(',')) {
    const [key = '', ...rest] = field.split('=');
    const setter = setters[synonyms[key] ?? key];
    if (!setter)
      throw new IechorError('USAGE', `"${key}" in --mount "${spec}" is not a key of a mount`, {
        hint: `known keys: ${Object.keys(setters).join(', ')}`,
      });
    setter(mount, rest.join('='));
  }
  if (!mount.Target)
    throw new IechorError('USAGE', `--mount "${spec}" has no target`, { hint: 'add target=/path/in/the/container' });
  if (!['bind', 'volume', 'tmpfs', 'image'].includes(mount.Type))
    throw new IechorError('USAGE', `--mount type "${mount.Type}" is not one of bind, volume, tmpfs, image`);
  return mount;
}

function sizeOf(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined)
    throw new IechorError('USAGE', `"${text}" is not a size`, { hint: 'write a number with b, k, m or g, e.g. 64m' });
  return bytes;
}
