import type { ImageFile } from '../api/types/image.ts';

const letters = ['---', '--x', '-w-', '-wx', 'r--', 'r-x', 'rw-', 'rwx'];

/** A file as `ls -l` shows it, with numeric owners. */
export function fileLine(file: ImageFile): string {
  const type = file.Type === 'f' ? '-' : file.Type;
  const mode = [6, 3, 0].map((shift) => letters[(file.Mode >> shift) & 7]).join('');
  const owner = `${file.Uid}:${file.Gid}`;
  const target = file.LinkTarget === undefined ? '' : ` -> ${file.LinkTarget}`;
  return `${type}${mode} ${owner.padEnd(9)} ${String(file.Size).padStart(10)} ${file.ModTime.slice(0, 19)} ${file.Path}${target}`;
}
