import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { HostConfig } from '../api/types/host-config.ts';
import { codeOf, IechorError } from '../common/error.ts';
import type { BlockNumber, DeviceNode } from './oci-resources.ts';

const notDevices = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console', 'hugepages']);

/** Device nodes of a container: those asked for, or all of the host's with `--privileged`. Throws MOUNT_INVALID. */
export function resolveDevices(host: HostConfig): DeviceNode[] {
  if (host.Privileged) return nodesBelow('/dev', '/dev', 'rwm');
  return (host.Devices ?? []).flatMap(({ PathOnHost: path = '', PathInContainer, CgroupPermissions }) => {
    const target = PathInContainer || path;
    const access = CgroupPermissions || 'rwm';
    if (!/^[rwm]{1,3}$/.test(access)) throw invalid(`invalid device permissions: ${access}`);
    const kind = kindOf(path);
    if (kind === undefined) throw invalid(missingDevice(path));
    if (kind === 'directory') {
      const nodes = nodesBelow(path, target, access);
      if (nodes.length === 0) throw invalid(`"${path}": not a device node`);
      return nodes;
    }
    const node = deviceNode(path, target, access);
    if (!node) throw invalid(`${path} is not a device node`);
    return [node];
  });
}

const missingDevice = (path: string) =>
  `error gathering device information while adding custom device "${path}": no such file or directory`;

/** What the host has at a path. Throws MOUNT_INVALID for what is no device. */
export function hostDevice(path: string): Pick<DeviceNode, 'type' | 'major' | 'minor' | 'fileMode'> {
  const node = kindOf(path) === undefined ? undefined : deviceNode(path, path, 'rwm');
  if (!node) throw invalid(`CDI device injection failed: ${path} is not a device node`);
  return node;
}

/** Numbers of a block device, for its limits. Throws BAD_REQUEST. */
export function blockDevice(path = ''): BlockNumber {
  const stat = kindOf(path) === 'other' ? statSync(path) : undefined;
  if (!stat?.isBlockDevice()) throw new IechorError('BAD_REQUEST', `${path} is not a block device`);
  return numbersOf(stat);
}

const numbersOf = ({ rdev }: { readonly rdev: number }): BlockNumber => ({
  major: (rdev >> 8) & 0xfff,
  minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00),
});

function kindOf(path: string): 'directory' | 'other' | undefined {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'other';
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

function nodesBelow(dir: string, target: string, access: string): DeviceNode[] {
  return readdirSync(dir).flatMap((name) => {
    if (notDevices.has(name)) return [];
    const path = join(dir, name);
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return nodesBelow(path, join(target, name), access);
    return deviceNode(path, join(target, name), access, { follow: false }) ?? [];
  });
}

function deviceNode(path: string, target: string, access: string, { follow = true } = {}): DeviceNode | undefined {
  const stat = follow ? statSync(path) : lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isCharacterDevice() && !stat?.isBlockDevice()) return undefined;
  return {
    path: target,
    type: stat.isBlockDevice() ? 'b' : 'c',
    ...numbersOf(stat),
    fileMode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    access,
  };
}

function invalid(message: string): IechorError {
  return new IechorError('MOUNT_INVALID', message);
}
