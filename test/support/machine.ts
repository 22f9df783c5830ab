import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Path of a program on PATH, or undefined. */
export function programPath(name: string): string | undefined {
  return programPaths(name)[0];
}

/** All programs of a name on PATH. */
export function programPaths(name: string): readonly string[] {
  const folders = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter);
  return folders.map((folder) => join(folder, name)).filter((path) => existsSync(path));
}

/** What this machine lacks to run containers, in words; empty where it can. */
export function missingForContainers(): readonly string[] {
  const missing: string[] = [];
  if (process.getuid?.() !== 0) missing.push('root rights');
  if (!/\boverlay\b/.test(readFileSync('/proc/filesystems', 'utf8'))) missing.push('overlayfs');
  if (!programPath('crun') && !programPath('runc')) missing.push('an OCI runtime (crun or runc)');
  for (const program of ['conmon', 'nft']) if (!programPath(program)) missing.push(program);
  if (!staticBusybox()) missing.push('a static busybox (Debian: busybox-static)');
  return missing;
}

/** Debian's static busybox, of which the tests make their image. */
export function staticBusybox(): string | undefined {
  return ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
}
