import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type Document, isMap, isScalar, isSeq, parseAllDocuments, type Scalar, type YAMLMap } from 'yaml';
import { IechorError, messageOf } from '../common/error.ts';
import type { Project } from './model/project.ts';
import { isRemote } from './source/git-reference.ts';

/** A file to publish; `extended` ones and `env` files are named by the others, by the hash of their path. */
export interface PublishedFile {
  readonly name: string;
  readonly kind: 'compose' | 'extended' | 'env';
  readonly content: Buffer;
}

export interface Published {
  readonly files: readonly PublishedFile[];
  /** What has values of the environment or for variables in files, which go along: a line each. */
  readonly withFiles: readonly string[];
}

interface Collected {
  readonly files: Map<string, PublishedFile>;
  readonly withFiles: string[];
}

/** A file to rewrite, and where what it names is looked for. */
interface Source {
  readonly path: string;
  readonly directory: string;
}

/**
 * The files of a project as they are published: as written, without values put in for variables, with what they extend
 * and their env files beside them. Throws COMPOSE_UNSUPPORTED for what cannot be published.
 */
export function filesToPublish(project: Project): Published {
  const collected: Collected = { files: new Map(), withFiles: [] };
  const directory = project.workingDirectory;
  const main = project.composeFiles.map((path) => {
    if (path === '-') throw unsupported('a compose file from standard input cannot be published', 'write it to a file');
    const content = rewritten({ path, directory }, collected);
    return { name: basename(path), kind: 'compose' as const, content };
  });
  return { files: [...main, ...collected.files.values()], withFiles: collected.withFiles };
}

interface Naming {
  /** It need not be there. */
  readonly optional?: boolean;
}

type Change = (node: unknown, kind: PublishedFile['kind'], naming?: Naming) => void;

function rewritten(source: Source, collected: Collected): Buffer {
  const text = read(source.path);
  const documents = parseAllDocuments(text, { merge: true }) as Document.Parsed[];
  let changed = false;
  const change: Change = (node, kind, naming = {}) => {
    if (!isScalar(node) || typeof node.value !== 'string') return;
    (node as Scalar).value = collect(node.value, { kind, source, collected, ...naming });
    changed = true;
  };
  for (const document of documents) {
    const include = document.get('include', true);
    for (const entry of isSeq(include) ? include.items : []) collected.withFiles.push(...changeInclude(entry, change));
    const services = document.get('services');
    for (const { key, value: service } of isMap(services) ? services.items : []) {
      if (!isMap(service)) continue;
      if (service.has('env_file')) collected.withFiles.push(`service "${String(key)}" has env_file declared.`);
      changeService(service, change);
    }
  }
  // What needs no change goes as it was written, to the byte.
  return Buffer.from(changed ? documents.map((document) => document.toString({ lineWidth: 0 })).join('---\n') : text);
}

function changeService(service: YAMLMap, change: Change): void {
  const extended = service.get('extends', true);
  if (isMap(extended)) change(extended.get('file', true), 'extended');
  for (const key of ['env_file', 'label_file']) {
    for (const entry of entriesOf(service, key)) {
      if (!isMap(entry)) change(entry, 'env');
      else change(entry.get('path', true), 'env', { optional: entry.get('required') === false });
    }
  }
}

/** As in Docker Compose, what is included comes from where it is published. Says so where values are in files. */
function changeInclude(entry: unknown, change: Change): string[] {
  const paths = isMap(entry) ? entriesOf(entry, 'path') : [entry];
  if (paths.some((path) => isScalar(path) && !isRemote(String(path.value)))) {
    throw unsupported(
      'cannot publish compose file with local includes',
      'publish what is included by itself and include it as oci://..., or give it with a -f of its own',
    );
  }
  if (!isMap(entry) || firstOf(entry, 'env_file') === '') return [];
  for (const file of entriesOf(entry, 'env_file')) change(file, 'env');
  return [`include of ${firstOf(entry, 'path')} has env_file declared.`];
}

function firstOf(node: YAMLMap, key: string): string {
  const [first] = entriesOf(node, key);
  return isScalar(first) && typeof first.value === 'string' ? first.value : '';
}

function entriesOf(node: YAMLMap, key: string): unknown[] {
  const value = node.get(key, true);
  return isSeq(value) ? value.items : [value];
}

interface Asked extends Naming {
  readonly kind: PublishedFile['kind'];
  readonly source: Source;
  readonly collected: Collected;
}

/** Takes a file that another one names along, and returns its name in the registry. */
function collect(given: string, { kind, source, collected, optional }: Asked): string {
  if (/\$\{|\$[A-Za-z_]/.test(given)) {
    throw unsupported(`${source.path} names a file by a variable: ${given}`, 'write the path out');
  }
  if (isRemote(given)) return given;
  const path = resolve(source.directory, given);
  const name = `${createHash('sha256').update(path).digest('hex')}${kind === 'env' ? '.env' : '.yaml'}`;
  if (collected.files.has(path)) return name;
  if (optional && !existsSync(path)) return given;
  // Named before it is read, so that files that extend each other end.
  const take = (content: Buffer) => collected.files.set(path, { name, kind, content });
  take(Buffer.alloc(0));
  const inside = { path, directory: dirname(path) };
  take(kind === 'env' ? Buffer.from(read(path)) : rewritten(inside, collected));
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
  /** Those values: a line for a service, then `NAME=value` ones. */
  readonly variables: readonly string[];
  /** `service: source:target[:ro]`. */
  readonly bindMounts: readonly string[];
  /** Places that look like secrets; never their values. */
  readonly secrets: readonly string[];
}

export function concernsOf(project: Project, { files, withFiles }: Published): PublishConcerns {
  const services = Object.entries(project.services);
  const withEnvironment = services.flatMap(([name, { environment = {} }]) =>
    Object.keys(environment).length > 0 ? [`service "${name}" has environment variable(s) declared.`] : [],
  );
  const configs = Object.entries(project.configs).flatMap(([name, config]) =>
    'content' in config && config.content !== undefined ? [`config "${name}" is declared with inline content.`] : [],
  );
  return {
    buildOnly: services.flatMap(([name, { build, image }]) => (build && image === undefined ? [name] : [])),
    environment: [...withFiles, ...withEnvironment, ...configs],
    variables: services.flatMap(([name, { environment = {} }]) => {
      const lines = Object.entries(environment).map(([key, value]) => `${key}=${value ?? ''}`);
      return lines.length > 0 ? [`Service/Config  ${name}`, ...lines] : [];
    }),
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
