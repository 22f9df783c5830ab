import { posix } from 'node:path';
import type { Fingerprint } from './files/content-hash.ts';

/** How files differ: `a changed in content`, as `a content`; the first three. */
export function describeFiles(before: Fingerprint | undefined, now: Fingerprint | undefined): string {
  const changes = before && now ? fileChanges(before, now) : [];
  const more = changes.length > 3 ? ` and ${changes.length - 3} more` : '';
  return changes.length === 0 ? '' : ` (${changes.slice(0, 3).join(', ')}${more})`;
}

/** What differs between two sets of files, a file each; one that went and came under another name was renamed. */
export function fileChanges(before: Fingerprint, now: Fingerprint): string[] {
  const gone = new Map<string, string>();
  for (const [path, line] of Object.entries(before)) if (now[path] === undefined) gone.set(line, path);
  const renamed = new Map<string, string>();
  for (const [path, line] of Object.entries(now)) {
    const from = before[path] === undefined && line.startsWith('file ') ? gone.get(line) : undefined;
    if (from === undefined) continue;
    gone.delete(line);
    renamed.set(from, path);
  }
  const directories = renamedDirectories(before, now, renamed);
  const isTold = (path: string) => directories.some(({ from, to }) => isWithin(path, from) || isWithin(path, to));
  const arrived = new Set(renamed.values());
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].sort().flatMap((path) => {
    const whole = directories.find(({ from }) => from === path);
    if (whole) return [`${shown(path)} renamed to ${shown(whole.to)}`];
    if (isTold(path)) return [];
    const to = renamed.get(path);
    if (to !== undefined) return [`${shown(path)} renamed to ${shown(to)}`];
    const change = arrived.has(path) ? undefined : describeChange(before[path], now[path]);
    return change === undefined ? [] : [`${shown(path)} ${change}`];
  });
}

const isWithin = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`);

/** Directories that went and came under another name with all that is in them, told by files that went along. */
function renamedDirectories(before: Fingerprint, now: Fingerprint, renamed: ReadonlyMap<string, string>) {
  const found = new Map<string, string>();
  for (const files of renamed) {
    const pair = highestMoved(files, { before, now });
    if (pair) found.set(...pair);
  }
  const below = (files: Fingerprint, directory: string) =>
    Object.keys(files).filter((path) => path.startsWith(`${directory}/`));
  return [...found].slice(0, 10).flatMap(([from, to]) => {
    const moved = below(before, from);
    const isWhole = moved.every((path) => now[`${to}${path.slice(from.length)}`] === before[path]);
    return isWhole && moved.length === below(now, to).length ? [{ from, to }] : [];
  });
}

/** The directories highest above a renamed file that may be one directory, renamed. */
function highestMoved(
  files: readonly [string, string],
  { before, now }: { readonly before: Fingerprint; readonly now: Fingerprint },
): [string, string] | undefined {
  let [from, to] = files;
  let found: [string, string] | undefined;
  while (posix.basename(from) === posix.basename(to)) {
    [from, to] = [posix.dirname(from), posix.dirname(to)];
    const isMoved = now[from] === undefined && before[to] === undefined && before[from] === now[to];
    if (!isMoved || before[from] === undefined) break;
    found = [from, to];
  }
  return found;
}

const shown = (path: string): string => (/[\0-\x1f\x7f]/.test(path) ? JSON.stringify(path) : path);

const plain = (mode = ''): string => mode.replace(/^0(?=\d{3})/, '');

/** The types that a fingerprint's line begins with. Other lines are of what is no file: mounts, downloads. */
const types: ReadonlyMap<string, string> = new Map([
  ['file', 'file'],
  ['dir', 'directory'],
  ['way', 'directory'],
  ['link', 'link'],
  ['special', 'special file'],
]);

const isDirectory = (type: string | undefined): boolean => type === 'dir' || type === 'way';

function describeChange(before: string | undefined, now: string | undefined): string | undefined {
  if (before === now) return undefined;
  if (before === undefined) return 'is new';
  if (now === undefined) return 'is gone';
  const [oldType, oldMode, oldOwner, oldContent, oldBeside] = before.split(' ');
  const [type, mode, owner, content, beside] = now.split(' ');
  if (oldType !== type) return `was a ${types.get(oldType ?? '') ?? oldType}, is a ${types.get(type ?? '') ?? type}`;
  if (type === 'link') return 'link target';
  if (type === 'download' || type === 'heredoc') return 'content';
  if (!types.has(type ?? '')) return 'changed';
  const differences = [
    !isDirectory(type) && oldContent !== content && 'content',
    oldMode !== mode && `mode ${plain(oldMode)} -> ${plain(mode)}`,
    oldOwner !== owner && `owner ${oldOwner} -> ${owner}`,
    oldBeside !== beside && 'extended attributes',
  ];
  return differences.filter((difference) => difference !== false).join(' and ');
}
