import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { isDirectory, type LoadContext } from './context.ts';
import { type EnvFileName, readEnvFiles } from './environment.ts';
import { fileNames, overrideNames } from './file-names.ts';
import { isRemote } from './git-reference.ts';
import type { LoadOptions } from './load-options.ts';

export interface Discovered {
  /** Absolute, `-`, or remote. */
  readonly files: readonly string[];
  readonly directory: string;
  readonly environment: Map<string, string>;
  readonly profiles: readonly string[];
}

/** Finds the files, the project directory and the environment. Undefined when one of them is missing (which was told). */
export function discover(context: LoadContext, options: LoadOptions): Discovered | undefined {
  const environment = new Map<string, string>();
  for (const [name, value] of Object.entries(options.environment))
    if (value !== undefined) environment.set(name, value);
  if (!environment.has('PWD')) environment.set('PWD', options.cwd);
  let files = (options.files ?? []).map((file) =>
    file === '-' || isRemote(file) ? file : absolute(options.cwd, file),
  );
  if (!addEnvFiles(context, options, environment, projectDirectory(options, files))) return undefined;
  if (files.length === 0) {
    const found =
      filesFromEnvironment(context, options, environment) ?? findFiles(context, projectDirectory(options, []));
    if (!found) return undefined;
    files = found;
  }
  const directory = projectDirectory(options, files);
  if (!addEnvFiles(context, options, environment, directory)) return undefined;
  const profiles = options.profiles?.length
    ? options.profiles
    : (environment.get('COMPOSE_PROFILES') ?? '').split(',').map((name) => name.trim());
  return { files, directory, environment, profiles: profiles.filter((name) => name !== '') };
}

const absolute = (cwd: string, path: string): string => (isAbsolute(path) ? join(path) : join(cwd, path));

function projectDirectory(options: LoadOptions, files: readonly string[]): string {
  if (options.projectDirectory) return absolute(options.cwd, options.projectDirectory);
  const first = files.find((file) => file !== '-');
  return first === undefined || isRemote(first) ? options.cwd : dirname(first);
}

/** Adds what the env files set and the environment does not; false when one cannot be read. */
function addEnvFiles(
  context: LoadContext,
  options: LoadOptions,
  environment: Map<string, string>,
  directory: string,
): boolean {
  const names = envFileNames(options, environment, directory);
  const variables = readEnvFiles(context, names, environment);
  if (variables === undefined) return false;
  const { provenance } = context;
  const places = new Map(provenance.placesOf(environment));
  for (const [name, value] of variables) {
    if (environment.has(name)) continue;
    environment.set(name, value);
    const place = provenance.placesOf(variables).get(name);
    if (place) places.set(name, place);
  }
  provenance.setPlaces(environment, places);
  return true;
}

function envFileNames(
  options: LoadOptions,
  environment: ReadonlyMap<string, string>,
  directory: string,
): EnvFileName[] {
  const given = options.envFiles?.length
    ? options.envFiles
    : (environment.get('COMPOSE_ENV_FILES') ?? '').split(',').filter(Boolean);
  if (given.length > 0) return given.map((name) => ({ name: absolute(options.cwd, name) }));
  if (/^(1|t|true)$/i.test(options.environment.COMPOSE_DISABLE_ENV_FILE ?? '')) return [];
  const name = join(directory, '.env');
  return existsSync(name) && !isDirectory(name) ? [{ name }] : [];
}

function filesFromEnvironment(
  context: LoadContext,
  options: LoadOptions,
  environment: ReadonlyMap<string, string>,
): string[] | undefined {
  const listed = environment.get('COMPOSE_FILE');
  if (listed === undefined) return undefined;
  const separator = environment.get('COMPOSE_PATH_SEPARATOR') || ':';
  const files = listed.split(separator).map((file) => (file === '-' ? file : absolute(options.cwd, file)));
  for (const file of files) {
    if (file === '-' || existsSync(file)) continue;
    context.report.error({
      code: 'COMPOSE_FILE_MISSING',
      message: `stat ${file}: no such file or directory`,
      hint: 'COMPOSE_FILE names it',
      at: [],
    });
  }
  return files;
}

function findFiles(context: LoadContext, start: string): string[] | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    const found = present(directory, fileNames);
    const [winner] = found;
    if (winner !== undefined) {
      const overrides = present(directory, overrideNames);
      warnSeveral(context, found, 'config files');
      warnSeveral(context, overrides, 'override files');
      return [winner, ...overrides.slice(0, 1)];
    }
    if (dirname(directory) === directory) break;
  }
  context.report.error({
    code: 'COMPOSE_FILE_MISSING',
    message: 'no configuration file provided: not found',
    hint: `looked for ${fileNames.join(', ')} in ${start} and its parents; name one with -f`,
    at: [],
  });
  return undefined;
}

const present = (directory: string, names: readonly string[]): string[] =>
  names.map((name) => join(directory, name)).filter((file) => existsSync(file));

function warnSeveral(context: LoadContext, found: readonly string[], what: string): void {
  if (found.length < 2) return;
  const message = `found multiple ${what} with supported names: ${found.map((file) => basename(file)).join(', ')}; using ${basename(found[0] ?? '')}`;
  context.report.warning({ code: 'COMPOSE_AMBIGUOUS', message, hint: 'name the one you mean with -f', at: [] });
}

/** What is left of a text as a project name: lower case letters, digits, `-` and `_`, beginning with a letter or digit. */
export function normalizeName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '');
}

/** The directory's name, and whether it is a link to one of another name. */
export function directoryName(directory: string): { name: string; linked: boolean } {
  const name = basename(directory);
  try {
    return { name, linked: basename(realpathSync(directory)) !== name };
  } catch {
    return { name, linked: false };
  }
}
