import { readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import { replaceFile } from './owner-file.ts';

/** What Docker's `config.json` says of logins. Everything else in it is kept as it is. */
export interface LoginConfig {
  /** Logins in the file itself, by server; with a store they are empty. */
  readonly auths: Readonly<Record<string, AuthEntry>>;
  /** Helper of one registry. */
  readonly credHelpers: Readonly<Record<string, string>>;
  /** Helper of all others. */
  readonly credsStore: string | undefined;
}

export interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** The directory of client configuration: `--config`, IECHOR_CONFIG, DOCKER_CONFIG, then `~/.docker`, as Docker has it. */
export function configDirectory(
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  return given || environment.IECHOR_CONFIG || environment.DOCKER_CONFIG || join(homedir(), '.docker');
}

/** Reads it; no file is an empty one. Throws CREDENTIALS where it is no JSON. */
export function readLoginConfig(directory: string): LoginConfig {
  const fields = readFields(join(directory, 'config.json'));
  return {
    auths: mapOf(fields.auths, (value): value is AuthEntry => isMap(value)),
    credHelpers: mapOf(fields.credHelpers, (value): value is string => typeof value === 'string'),
    credsStore: typeof fields.credsStore === 'string' && fields.credsStore !== '' ? fields.credsStore : undefined,
  };
}

/** Notes that there is a login for a server, kept elsewhere, or that there is none any more. */
export function noteLogin(directory: string, server: string, there: boolean): void {
  const path = join(directory, 'config.json');
  const fields = readFields(path);
  const auths: Record<string, unknown> = { ...(isMap(fields.auths) ? fields.auths : {}) };
  if (!there && !(server in auths)) return;
  if (there) auths[server] = {};
  else delete auths[server];
  replaceFile(linkTarget(path), `${JSON.stringify({ ...fields, auths }, null, '\t')}\n`);
}

/** A file that is a link stays one. */
function linkTarget(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/**
 * All that `config.json` of a directory holds; nothing where this user may not read it (sudo with another's HOME). Throws
 * CREDENTIALS where it is no JSON.
 */
export function readConfigFields(directory: string): Readonly<Record<string, unknown>> {
  try {
    return readFields(join(directory, 'config.json'));
  } catch (error) {
    if (codeOf((error as Error).cause) === 'EACCES') return {};
    throw error;
  }
}

/** Sets one field of it, or takes it out; the rest stays as it is. */
export function writeConfigField(directory: string, name: string, value: unknown): void {
  const path = join(directory, 'config.json');
  const { [name]: _former, ...rest } = readFields(path);
  const fields = value === undefined ? rest : { ...rest, [name]: value };
  replaceFile(linkTarget(path), `${JSON.stringify(fields, null, '\t')}\n`);
}

function readFields(path: string): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return {};
    throw new IechorError('CREDENTIALS', `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isMap(value)) return value;
  } catch {
    // Its text is not shown: it may hold secrets.
  }
  throw new IechorError('CREDENTIALS', `${path} is not a JSON object`, { hint: 'mend it, or move it away' });
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function mapOf<T>(value: unknown, fits: (entry: unknown) => entry is T): Readonly<Record<string, T>> {
  const entries = isMap(value) ? Object.entries(value).filter((entry): entry is [string, T] => fits(entry[1])) : [];
  return Object.assign(Object.create(null), Object.fromEntries(entries)) as Record<string, T>;
}
