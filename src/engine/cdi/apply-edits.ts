import type { OciMount, OciSpec } from '../../host/oci-types.ts';
import { mergeProcessEnv } from '../create-config.ts';
import { hostDevice } from '../devices.ts';
import type { CdiDeviceNode, CdiEdits, CdiHook, CdiMount } from './cdi-spec.ts';

/** The specification with what devices add to it. What the host says of a device node is looked up. */
export function applyEdits(spec: OciSpec, all: readonly CdiEdits[]): OciSpec {
  return all.reduce(applyOne, spec);
}

function applyOne(spec: OciSpec, edits: CdiEdits): OciSpec {
  const { process, linux } = spec;
  const nodes = (edits.deviceNodes ?? []).map((node) => resolveNode(node, process.user));
  const paths = new Set(nodes.map(({ device }) => device.path));
  const targets = new Set((edits.mounts ?? []).map(({ containerPath }) => containerPath));
  const { resources = {} } = linux;
  return {
    ...spec,
    process: {
      ...process,
      env: mergeProcessEnv(process.env, edits.env ?? []),
      user: {
        ...process.user,
        additionalGids: [...new Set([...(process.user.additionalGids ?? []), ...(edits.additionalGids ?? [])])],
      },
    },
    mounts: [
      ...spec.mounts.filter(({ destination }) => !targets.has(destination)),
      ...(edits.mounts ?? []).map(mountOf).sort(byDepth),
    ],
    ...withHooks(spec.hooks, edits.hooks ?? []),
    linux: {
      ...linux,
      devices: [...(linux.devices ?? []).filter(({ path }) => !paths.has(path)), ...nodes.map(({ device }) => device)],
      resources: { ...resources, devices: [...(resources.devices ?? []), ...nodes.map(({ rule }) => rule)] },
    },
  };
}

function resolveNode(node: CdiDeviceNode, user: { readonly uid: number; readonly gid: number }) {
  const hostPath = node.hostPath ?? node.path;
  const known = node.type && (node.major || node.type === 'p');
  const { type, major, minor, fileMode } = known
    ? { type: node.type ?? 'c', major: node.major ?? 0, minor: node.minor ?? 0, fileMode: undefined }
    : hostDevice(hostPath);
  const mode = node.fileMode ?? fileMode;
  const [uid, gid] = [node.uid ?? (user.uid || undefined), node.gid ?? (user.gid || undefined)];
  return {
    device: {
      ...{ path: node.path, type, major, minor },
      ...(mode !== undefined && { fileMode: mode }),
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
    },
    rule: { allow: true, type, major, minor, access: node.permissions || 'rwm' },
  };
}

function mountOf({ hostPath, containerPath, type, options = [] }: CdiMount): OciMount {
  const binds = options.includes('bind') || options.includes('rbind');
  return {
    destination: containerPath,
    source: hostPath,
    type: type ?? (binds ? 'bind' : 'none'),
    options: [...options, ...(binds || (type !== undefined && type !== 'bind') ? [] : ['rbind'])],
  };
}

const depth = ({ destination }: OciMount) => destination.split('/').filter((part) => part !== '').length;
const byDepth = (a: OciMount, b: OciMount) => depth(a) - depth(b);

function withHooks(present: OciSpec['hooks'], hooks: readonly CdiHook[]): Pick<OciSpec, 'hooks'> {
  if (hooks.length === 0) return present ? { hooks: present } : {};
  const all: NonNullable<OciSpec['hooks']> = { ...present };
  for (const { hookName, path, args, env, timeout } of hooks) {
    const hook = {
      path,
      ...(args && { args: [...args] }),
      ...(env && { env: [...env] }),
      ...(timeout !== undefined && { timeout }),
    };
    all[hookName] = [...(all[hookName] ?? []), hook];
  }
  return { hooks: all };
}
