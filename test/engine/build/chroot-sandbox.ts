import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findOwner } from '../../../src/build/files/users.ts';
import type { Sandbox, SandboxRun } from '../../../src/build/ports.ts';
import { run } from '../../../src/host/spawn.ts';

/** A sandbox of the plainest kind, for tests of the builder: namespaces for mounts and processes, and a chroot. */
export const chrootSandbox: Sandbox = {
  async run(request, onOutput, signal) {
    const mounts = request.mounts.flatMap((mount) => mountCommand(request.rootfs, mount));
    const proc = join(request.rootfs, 'proc');
    const dev = join(request.rootfs, 'dev');
    for (const dir of [proc, dev]) mkdirSync(dir, { recursive: true });
    const nodes = ['null', 'zero', 'urandom'].map((name) => `mount --bind /dev/${name} ${quote(join(dev, name))}`);
    const owner = findOwner(request.rootfs, request.user || '0');
    const script = [
      'set -e',
      `mount -t tmpfs -o mode=755 tmpfs ${quote(dev)}`,
      ...['null', 'zero', 'urandom'].map((name) => `: > ${quote(join(dev, name))}`),
      ...nodes,
      `mount -t proc proc ${quote(proc)}`,
      ...hostFiles(request.rootfs),
      ...mounts,
      `exec /usr/bin/env -i ${request.env.map(quote).join(' ')} /usr/bin/nsenter --root=${quote(request.rootfs)} --wd=${quote(join(request.rootfs, request.cwd))} -S ${owner.uid} -G ${owner.gid} -- "$@"`,
    ].join('\n');
    const args = ['-m', '-p', '-f', '--propagation', 'private', '/bin/sh', '-c', script, 'sandbox', ...request.args];
    const result = await run('/usr/bin/unshare', args, {
      okStatus: Array.from({ length: 256 }, (_, status) => status),
      ...(signal && { signal }),
    });
    if (result.stdout) onOutput('stdout', Buffer.from(result.stdout));
    if (result.stderr) onOutput('stderr', Buffer.from(result.stderr));
    return result.status;
  },
};

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function stub(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  try {
    statSync(path);
  } catch {
    writeFileSync(path, '');
  }
}

/** Empty files of the sandbox's own, from the devices' file system, which ends with it. */
function hostFiles(rootfs: string): string[] {
  return ['/etc/hosts', '/etc/resolv.conf'].map((path) => {
    stub(join(rootfs, path));
    const own = quote(join(rootfs, 'dev', path.replaceAll('/', '-')));
    return `: > ${own}; mount --bind ${own} ${quote(join(rootfs, path))}; rm ${own}`;
  });
}

function mountCommand(rootfs: string, mount: SandboxRun['mounts'][number]): string[] {
  const target = join(rootfs, mount.target);
  const mode = (mount.mode ?? 0o1777).toString(8);
  if (mount.type === 'tmpfs')
    return [`mkdir -p ${quote(target)}; mount -t tmpfs -o mode=${mode} tmpfs ${quote(target)}`];
  const isDirectory = statSync(mount.source).isDirectory();
  const make = isDirectory
    ? `mkdir -p ${quote(target)}`
    : `mkdir -p ${quote(dirname(target))}; [ -e ${quote(target)} ] || : > ${quote(target)}`;
  const readOnly = mount.readOnly ? [`mount -o remount,bind,ro ${quote(target)}`] : [];
  return [make, `mount --bind ${quote(mount.source)} ${quote(target)}`, ...readOnly];
}
