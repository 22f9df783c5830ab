import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';
import { compileRules, type PathRules, readIgnoreFile } from './patterns.ts';

/** Names of a build file, in the order they are looked for. */
export const defaultBuildFiles = ['iEchorfile', 'Dockerfile', 'Containerfile'] as const;

const maxBytes = 4 << 20;

/** Text of a plain file of reasonable size; undefined where there is none. Never waits: it may be a FIFO. */
function readPlainFile(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return undefined;
    if (stat.size > maxBytes) throw new IechorError('BUILD_CONTEXT', `${path} is larger than ${maxBytes} bytes`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

export interface FoundBuildFile {
  /** Relative to the context. */
  readonly name: string;
  /** The name people know it by. */
  readonly shown: string;
  readonly text: string;
}

/**
 * The build file of a context directory: the one named (relative to the context), else the first of the default
 * names. Throws BUILD_FILE_MISSING, saying what was looked for.
 */
export function findBuildFile(contextDir: string, wanted?: string): FoundBuildFile {
  const names = wanted ? [posix.join('/', wanted).slice(1)] : defaultBuildFiles;
  // As Docker does, a name in small letters is taken, too.
  for (const name of wanted ? names : [...names, 'dockerfile']) {
    const text = readPlainFile(join(contextDir, name));
    if (text !== undefined) return { name, shown: shownName(contextDir, name), text };
  }
  throw new IechorError('BUILD_FILE_MISSING', `there is no build file: ${names.join(', ')} not found in the context`, {
    hint: 'Write an iEchorfile, or name the file with -f.',
  });
}

/** Where a build file on the caller's disk is: `file` relative to the working directory, or the context's default. */
export function locateBuildFile(contextDir: string, file?: string): { readonly path: string; readonly text: string } {
  if (file === undefined || file === '') {
    const { name, text } = findBuildFile(contextDir);
    return { path: join(contextDir, name), text };
  }
  const path = resolve(file);
  const text = readPlainFile(path);
  if (text !== undefined) return { path, text };
  throw new IechorError('BUILD_FILE_MISSING', `there is no build file ${path}`, {
    hint: 'The path of -f counts from the working directory.',
  });
}

/** Files that can hold the ignore rules of a build file, the strongest first. */
export function ignoreFileNames(buildFile: string): string[] {
  return [`${buildFile}.iechorignore`, `${buildFile}.dockerignore`, '.iechorignore', '.dockerignore'];
}

export interface IgnoreFile {
  /** Relative to the context. */
  readonly name: string;
  readonly text: string;
}

/** The ignore file that counts for a build file (a path relative to the context). */
export function findIgnoreFile(contextDir: string, buildFile: string): IgnoreFile | undefined {
  for (const name of ignoreFileNames(buildFile)) {
    const text = readPlainFile(join(contextDir, name));
    if (text !== undefined) return { name, text };
  }
  return undefined;
}

/** The ignore file that a line could be added to: the one that counts, else the one to write. */
export function ignoreFileFor(contextDir: string, buildFile: string): string {
  const found = findIgnoreFile(contextDir, buildFile)?.name;
  return found === undefined || outsideName.test(found.replace(/\.\w+$/, '')) ? '.iechorignore' : found;
}

/** Name under which a build file from outside the context travels with it; it is never part of the context. */
export const outsideName = /^\.dockerfile\.[0-9a-f]{20}$/;
/** Begins the ignore file that travels beside it and says where it came from. */
export const outsideMark = '# build file: ';

function shownName(contextDir: string, name: string): string {
  if (!outsideName.test(name)) return name;
  const [first = ''] = (readPlainFile(join(contextDir, `${name}.dockerignore`)) ?? '').split('\n', 1);
  return first.startsWith(outsideMark) ? first.slice(outsideMark.length) : name;
}

/** Rules for what the instructions of a build file may see of the context. */
export function readRules(contextDir: string, buildFile: string): PathRules {
  const ignoreFile = findIgnoreFile(contextDir, buildFile);
  const patterns = ignoreFile ? readIgnoreFile(ignoreFile.text) : [];
  if (dirname(buildFile) === '.' && outsideName.test(basename(buildFile))) patterns.push(`${buildFile}*`);
  return compileRules(patterns);
}
