import { isAbsolute, join, posix } from 'node:path';

/** Shortest form of a path, without a slash at the end. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** `path` as seen from `base` (which may itself be relative), `~` replaced by the home directory where that is known. */
export function resolveFrom(base: string, path: string, home: string | undefined): string {
  const expanded = path.startsWith('~') && home ? cleanPath(join(home, path.slice(1))) : path;
  if (expanded === '' || isAbsolute(expanded)) return expanded;
  return cleanPath(join(base, expanded));
}
