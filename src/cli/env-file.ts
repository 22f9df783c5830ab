import { readFileSync } from 'node:fs';
import { IechorError } from '../common/error.ts';
import { usage } from './flag-reader.ts';

/** Lines of a file of labels or variables, without comments. Throws USAGE. */
export function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  } catch (cause) {
    throw new IechorError('USAGE', `cannot read ${file}`, { hint: 'check the path', cause });
  }
}

/** Variables of a file as a process gets them. Throws USAGE. */
export const envFile = (file: string, environment: Readonly<Record<string, string | undefined>>) =>
  linesOf(file).flatMap((line) => envEntry(line.trimStart(), environment));

/** `NAME=value`, or `NAME` with the value it has here; nothing where it has none. Throws USAGE. */
export function envEntry(entry: string, environment: Readonly<Record<string, string | undefined>>): string[] {
  if (entry.startsWith('=')) usage(`environment variable "${entry}" has no name`, 'write NAME=value');
  if (entry.includes('=')) return [entry];
  return environment[entry] === undefined ? [] : [`${entry}=${environment[entry]}`];
}
