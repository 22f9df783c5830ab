import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, resolve } from 'node:path';
import { type Document, isMap, isScalar, isSeq, parseAllDocuments, type Scalar, type YAMLMap } from 'yaml';
import { IechorError, messageOf } from '../common/error.ts';
import type { Project } from './model/project.ts';

/** A file to publish; `extended` ones and `env` files are named by the others, by the hash of their path. */
export interface PublishedFile {
  readonly name: string;
  readonly kind: 'compose' | 'extended' | 'env';
  readonly content: Buffer;
}

interface Collected {
  readonly files: Map<string, PublishedFile>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The files of a project as they are published: as written, without values put in for variables, with what they extend
 * and their env files beside them. Throws COMPOSE_UNSUPPORTED for what cannot be published.
 */
export function filesToPublish(project: Project): PublishedFile[] {
  const collected: Collected = { files: new Map(), environment: project.environment };
  const main = project.composeFiles.map((path) => {
    if (path === '-') throw unsupported('a compose file from standard input cannot be published', 'write it to a file');
    return { name: basename(path), kind: 'compose' as const, content: rewritten(path, collected, new Set([path])) };
  });
  return [...main, ...collected.files.values()];
}

function rewritten(path: string, collected: Collected, above: ReadonlySet<string>): Buffer {
  const text = read(path);
  const documents = parseAllDocuments(text, { merge: true }) as Document.Parsed[];
  let changed = false;
  const change = (node: unknown, kind: 'extended' | 'env'): void => {
    if (!isScalar(node) || typeof node.value !== 'string') return;
    (node as Scalar).value = collect(node.value, { kind, from: path, collected, above });
    changed = true;
  };
  for (const document of documents) {
    if (document.has('include')) {
      throw unsupported('a project with "include" cannot be published', 'name the included files with -f');
    }
    const services = document.get('services');
    for (const { value: service } of isMap(services) ? services.items : []) {
      if (isMap(service)) changeService(service, change);
    }
  }
  // What needs no change goes as it was written, to the byte.
  return Buffer.from(changed ? documents.map((document) => document.toString({ lineWidth: 0 })).join('---\n') : text);
}

function changeService(service: YAMLMap, change: (node: unknown, kind: 'extended' | 'env') => void): void {
  const extended = service.get('extends', true);
  if (isMap(extended)) change(extended.get('file', true), 'extended');
  const env = service.get('env_file', true);
  const entries = isSeq(env) ? env.items : [env];
  for (const entry of entries) change(isMap(entry) ? entry.get('path', true) : entry, 'env');
}

interface Asked {
  readonly kind: 'extended' | 'env';
  readonly from: string;
  readonly collected: Collected;
  readonly above: ReadonlySet<string>;
}

/** Takes a file that another one names along, and returns its name in the registry. */
function collect(given: string, { kind, from, collected, above }: Asked): string {
  if (/\$\{|\$[A-Za-z_]/.test(given)) {
    throw unsupported(`${from} names a file by a variable: ${given}`, 'write the path out');
  }
  if (given.includes('://')) return given;
  const path = isAbsolute(given) ? given : resolve(dirname(from), given);
  const name = `${createHash('sha256').update(path).digest('hex')}${kind === 'env' ? '.env' : '.yaml'}`;
  if (above.has(path) || collected.files.has(path)) return name;
  // Held before its own extensions are read, so that files that extend each other end.
  const content = kind === 'env' ? Buffer.from(read(path)) : rewritten(path, collected, new Set([...above, path]));
  collected.files.set(path, { name, kind, content });
  return name;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new IechorError('COMPOSE_FILE_MISSING', `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

function unsupported(message: string, hint: string): IechorError {
  return new IechorError('COMPOSE_UNSUPPORTED', message, { hint });
}

/** What somebody who publishes a project should know of it. */
export interface PublishConcerns {
  /** Services that build and name no image: nobody could get it. */
  readonly buildOnly: readonly string[];
  /** Where values of the environment are written, a line each. */
  readonly environment: readonly string[];
  /** `service: source:target[:ro]`. */
  readonly bindMounts: readonly string[];
  /** Places that look like secrets; never their values. */
  readonly secrets: readonly string[];
}

export function concernsOf(project: Project, files: readonly PublishedFile[]): PublishConcerns {
  const services = Object.entries(project.services);
  const withEnvironment = services.flatMap(([name, { environment, env_file: files }]) => [
    ...(files && files.length > 0 ? [`service "${name}" has env_file declared.`] : []),
    ...(environment && Object.keys(environment).length > 0
      ? [`service "${name}" has environment variable(s) declared.`]
      : []),
  ]);
  const configs = Object.entries(project.configs).flatMap(([name, config]) =>
    'content' in config && config.content !== undefined ? [`config "${name}" is declared with inline content.`] : [],
  );
  return {
    buildOnly: services.flatMap(([name, { build, image }]) => (build && image === undefined ? [name] : [])),
    environment: [...withEnvironment, ...configs],
    bindMounts: services.flatMap(([name, { volumes = [] }]) =>
      volumes.flatMap((volume) =>
        volume.type === 'bind' ? [`${name}: ${volume.source}:${volume.target}${volume.read_only ? ':ro' : ''}`] : [],
      ),
    ),
    secrets: files.flatMap(secretsIn),
  };
}

const secretName = /(?:pass(?:word|wd)?|secret|token|api_?key|private_?key|credential)s?$/i;
const secretValue =
  /AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----|gh[pousr]_[A-Za-z0-9]{36}|xox[abp]-[0-9A-Za-z-]{20}/;

function secretsIn({ name, content }: PublishedFile): string[] {
  return content
    .toString()
    .split('\n')
    .flatMap((line, index) => {
      const [, key = '', value = ''] = /^[\s-]*["']?([A-Za-z0-9_.]+)["']?\s*[:=]\s*(.*)$/.exec(line) ?? [];
      const literal = value.replace(/^["']|["']$/g, '').trim();
      const named = secretName.test(key) && literal !== '' && !/^(\$|\[|\{|[>|]|file:|true$|false$)/.test(literal);
      return named || secretValue.test(line) ? [`${name}:${index + 1}${key ? `: ${key}` : ''}`] : [];
    });
}
