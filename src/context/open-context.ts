import { createHash } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, posix, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { defaultBuildFiles, findIgnoreFile, type IgnoreFile, locateBuildFile, outsideMark } from './build-file.ts';
import { checkDirectory, type PackOptions, packContext } from './pack.ts';

/** A context ready to be sent, and the name of its build file for the request. */
export interface OpenContext {
  readonly dockerfile: string;
  /** Packed when it is first asked for. */
  readonly tar: Readable;
  /** Where the context is, if it is no more than a directory. */
  readonly local?: LocalContext;
}

/** A directory that an engine on the same machine can read itself; device and inode say whether it is the same one. */
export interface LocalContext {
  readonly directory: string;
  readonly device: string;
  readonly inode: string;
  /** Of the running kernel, so that another machine is known as such. */
  readonly boot: string;
}

/**
 * Packs a context with its build file: `text` (written inline, or read from standard input), `file` (relative to the
 * working directory, perhaps outside the context), or the default names. Throws BUILD_CONTEXT, BUILD_FILE_MISSING.
 */
export function openContext(
  directory: string,
  options: {
    readonly file?: string | undefined;
    readonly text?: string | undefined;
    readonly beside?: PackOptions['beside'];
    readonly signal?: AbortSignal;
  },
): OpenContext {
  checkDirectory(directory);
  const located = options.text === undefined ? locateBuildFile(directory, options.file) : { text: options.text };
  const inside = 'path' in located ? relative(directory, located.path) : undefined;
  const signal = { ...(options.signal && { signal: options.signal }), beside: options.beside };
  if (inside !== undefined && !inside.startsWith('..') && !isAbsolute(inside)) {
    const isAlone = Object.keys(options.beside ?? {}).length === 0;
    return lazily(
      { dockerfile: inside, ...(isAlone && process.platform === 'linux' && { local: directoryHere(directory) }) },
      () => packContext(directory, { dockerfile: inside, ...signal }),
    );
  }
  const extra = outsideFiles(directory, located);
  return { dockerfile: extra.name, tar: packContext(directory, { dockerfile: extra.name, ...extra, ...signal }) };
}

/** An object whose `tar` is made when it is asked for. */
function lazily(context: Omit<OpenContext, 'tar'>, open: () => Readable): OpenContext {
  let tar: Readable | undefined;
  return {
    ...context,
    get tar() {
      tar ??= open();
      return tar;
    },
  };
}

/** What tells an engine of the same machine that it sees the same directory. */
export function directoryHere(directory: string): LocalContext {
  const path = realpathSync(directory);
  const { dev, ino } = statSync(path, { bigint: true });
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return { directory: path, device: String(dev), inode: String(ino), boot };
}

/**
 * A build file from outside travels as Docker's client sends one: under a name of its own that the ignore rules hide
 * from the instructions, so that any engine builds it.
 */
function outsideFiles(directory: string, file: { readonly text: string; readonly path?: string }) {
  const name = `.dockerfile.${createHash('sha256').update(file.text).digest('hex').slice(0, 20)}`;
  const beside = file.path === undefined ? undefined : findBeside(file.path);
  const ignoreFile = beside ?? findIgnoreFile(directory, name);
  const docker = findIgnoreFile(directory, name)?.name === '.dockerignore' ? ignoreFile?.text : undefined;
  const rules = ignoreFile?.text ?? '';
  const shown = (file.path ?? defaultBuildFiles[0]).replaceAll('\n', ' ');
  return {
    name,
    ignoreFile: ignoreFile ?? { name: '.dockerignore', text: '' },
    extra: {
      [name]: file.text,
      '.dockerignore': `${docker ?? `${rules}\n.dockerignore`}\n${name}\n${name}.dockerignore\n`,
      [`${name}.dockerignore`]: `${outsideMark}${shown}\n${rules}\n${name}*\n${docker === undefined ? '.dockerignore\n' : ''}`,
    },
  };
}

function findBeside(path: string): IgnoreFile | undefined {
  return findIgnoreFile(posix.dirname(path), posix.basename(path));
}
