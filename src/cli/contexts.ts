import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import { readConfigFields, writeConfigField } from './credential-config.ts';

/** PEM files for tcp://. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Takes any certificate of the engine. */
  readonly skipVerify: boolean;
}

/** An engine by name, as Docker keeps it below `contexts/` of its configuration: both tools see the same. */
export interface Context {
  readonly name: string;
  readonly description: string;
  readonly host: string;
  readonly tls?: TlsFiles;
  /** Where it is kept. */
  readonly metaDirectory: string;
  readonly tlsDirectory: string;
}

/** What `context create` writes; the certificates are copied. */
export interface ContextContent {
  readonly description: string;
  readonly host: string;
  readonly skipVerify: boolean;
  /** PEM texts by name of file: ca.pem, cert.pem, key.pem. */
  readonly certificates: Readonly<Record<string, string>>;
}

export const certificateNames = ['ca.pem', 'cert.pem', 'key.pem'] as const;
const endpointName = 'docker';
type Environment = Readonly<Record<string, string | undefined>>;

/** Name of the context in use. */
export function currentContext(directory: string, environment: Environment): string {
  const named = environment.IECHOR_CONTEXT || environment.DOCKER_CONTEXT;
  if (named) return named;
  const current = readConfigFields(directory).currentContext;
  return typeof current === 'string' && current !== '' ? current : 'default';
}

export function useContext(directory: string, name: string): void {
  if (name !== 'default') readContext(directory, name);
  writeConfigField(directory, 'currentContext', name === 'default' ? undefined : name);
}

function placesOf(directory: string, name: string): { metaDirectory: string; tlsDirectory: string } {
  // Loaded where it is needed: commands that name no context do without.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const id = createHash('sha256').update(name).digest('hex');
  const root = join(directory, 'contexts');
  return { metaDirectory: join(root, 'meta', id), tlsDirectory: join(root, 'tls', id) };
}

/** Throws CONTEXT_NOT_FOUND, and USAGE where its file is damaged. */
export function readContext(directory: string, name: string): Context {
  const { metaDirectory } = placesOf(directory, name);
  const context = readMeta(directory, join(metaDirectory, 'meta.json'));
  if (context) return context;
  throw new IechorError('CONTEXT_NOT_FOUND', `there is no context "${name}"`, {
    hint: 'iechor context ls shows those there are',
  });
}

export function listContexts(directory: string): Context[] {
  const root = join(directory, 'contexts', 'meta');
  const ids = existsSync(root) ? readdirSync(root) : [];
  return ids
    .flatMap((id) => readMeta(directory, join(root, id, 'meta.json')) ?? [])
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

interface Meta {
  readonly Name: string;
  readonly Metadata?: { readonly Description?: string };
  readonly Endpoints?: { readonly docker?: { readonly Host?: string; readonly SkipTLSVerify?: boolean } };
}

function readMeta(directory: string, path: string): Context | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const meta = parseMeta(text, path);
  const places = placesOf(directory, meta.Name);
  const pem = (name: string) => {
    const file = join(places.tlsDirectory, endpointName, name);
    return existsSync(file) ? file : undefined;
  };
  const [ca, cert, key] = certificateNames.map(pem);
  const docker = meta.Endpoints?.docker;
  const tls = {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    skipVerify: docker?.SkipTLSVerify === true,
  };
  return {
    name: meta.Name,
    description: meta.Metadata?.Description ?? '',
    host: docker?.Host ?? '',
    ...((ca || cert || key) && { tls }),
    ...places,
  };
}

/** Reads Docker's form of a context. Throws USAGE. */
export function parseMeta(text: string, path: string): Meta {
  try {
    const meta = JSON.parse(text) as Meta;
    if (typeof meta.Name === 'string') return meta;
  } catch (cause) {
    throw new IechorError('USAGE', `${path} is no context: ${messageOf(cause)}`, { cause });
  }
  throw new IechorError('USAGE', `${path} is no context: it has no name`);
}

export function metaText(name: string, content: Omit<ContextContent, 'certificates'>): string {
  const meta: Meta = {
    Name: name,
    Metadata: content.description === '' ? {} : { Description: content.description },
    Endpoints: { docker: { Host: content.host, SkipTLSVerify: content.skipVerify } },
  };
  return JSON.stringify(meta);
}

/** Writes a context, in place of one of its name. Keys are readable for their owner alone. Throws USAGE for a bad name. */
export function writeContext(directory: string, name: string, content: ContextContent): void {
  if (name === 'default' || !/^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/.test(name)) {
    throw new IechorError('USAGE', `"${name}" cannot be the name of a context`, {
      hint: name === 'default' ? 'it is that of the own engine' : 'two characters or more: letters, digits, _ . + -',
    });
  }
  const { metaDirectory, tlsDirectory } = placesOf(directory, name);
  rmSync(tlsDirectory, { recursive: true, force: true });
  for (const [file, text] of Object.entries(content.certificates)) {
    const path = join(tlsDirectory, endpointName, file);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode: 0o600 });
  }
  mkdirSync(metaDirectory, { recursive: true, mode: 0o755 });
  writeFileSync(join(metaDirectory, 'meta.json'), metaText(name, content));
}

/** Removes a context. Throws CONTEXT_NOT_FOUND. */
export function removeContext(directory: string, name: string): void {
  const { metaDirectory, tlsDirectory } = readContext(directory, name);
  rmSync(tlsDirectory, { recursive: true, force: true });
  rmSync(metaDirectory, { recursive: true, force: true });
}
