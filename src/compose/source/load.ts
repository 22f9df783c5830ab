import { dirname } from 'node:path';
import type { Diagnostic } from '../../common/diagnostic.ts';
import type { Project } from '../model/project.ts';
import { dropUnused, select } from '../model/select.ts';
import { projectSpec } from './attributes.ts';
import { addSource, type LoadContext, type RawFile, readSource } from './context.ts';
import { type Discovered, discover } from './discover.ts';
import { finishProject } from './finish-project.ts';
import { reportUnset } from './interpolate.ts';
import type { LoadOptions } from './load-options.ts';
import { loadRaw, loadScope } from './load-scope.ts';
import type { MapNode, SourceFile } from './node.ts';
import { normalize } from './normalize.ts';
import { type Origins, originsOf } from './origins.ts';
import { type ParsedDocument, parse } from './parse.ts';
import { findProjectName, lastName } from './project-name.ts';
import { createProvenance, type VariableSource } from './provenance.ts';
import { tablesOf } from './prune.ts';
import { locate } from './remote.ts';
import { createReport, inOrder } from './report.ts';

export type { LoadOptions } from './load-options.ts';

export interface Loaded {
  readonly project: Project;
  readonly origins: Origins;
  /** Where a variable's value comes from, in the project or in what it includes; undefined for one that is not set. */
  readonly variableSource: (name: string) => VariableSource | undefined;
  /** Warnings; errors are thrown. */
  readonly diagnostics: readonly Diagnostic[];
  /** Text of every file read, by the name used in spans: for `formatDiagnostic`. */
  readonly sources: ReadonlyMap<string, string>;
  /** The canonical tree before it was read into types: what is printed where variables are kept. */
  readonly tree: MapNode;
}

/**
 * Reads a Compose project: every file, in the order of the specification, down to the canonical model.
 * Throws one IechorError (COMPOSE_FILE_MISSING, COMPOSE_SYNTAX, COMPOSE_INVALID, PROJECT_NAME, SERVICE_NOT_FOUND) whose
 * `diagnostics` hold all findings.
 */
export async function load(options: LoadOptions): Promise<Loaded> {
  const context = createContext(options);
  const { report } = context;
  const found = discover(context, options);
  const files = found && (await readFiles(context, options, found));
  if (!found || !files) return failed(context);
  const documents = await Promise.all(files.map((file) => context.peek(file)));
  const named = lastName(documents.flatMap((list) => (list ?? []).map(({ root }) => root)));
  const name = findProjectName(context, options, found, named);
  if (!found.environment.has('COMPOSE_PROJECT_NAME')) context.provenance.own.add('COMPOSE_PROJECT_NAME');
  found.environment.set('COMPOSE_PROJECT_NAME', name);
  const directory = baseDirectory(options, found, files);
  const scope = { directory, base: directory, environment: found.environment };
  const root = await context.loadScope(files, scope, []);
  reportUnset(context);
  if (!root) return failed(context, 'empty compose file');
  if (root.entries.size === 0) return failed(context, 'empty compose file');
  if (name === '') return failed(context, 'project name must not be empty');
  if (options.normalize !== false)
    normalize(root, name, (key) => (context.interpolate ? found.environment.get(key) : undefined));
  const composeFiles = files.map((file) => file.name);
  const project = finishProject(context, options, { root, found: { ...found, directory, files: composeFiles }, name });
  report.finish();
  const sources = new Map([...context.sources].map(([file, { text }]) => [file, text]));
  return {
    project: narrow(project, options),
    origins: originsOf(root, context.provenance),
    variableSource: (variable) => sourceOfVariable(context, variable),
    diagnostics: inOrder(report.warnings),
    sources,
    tree: root,
  };
}

function createContext(options: LoadOptions): LoadContext {
  const parsed = new Map<SourceFile, Promise<readonly ParsedDocument[] | undefined>>();
  const raw = new WeakMap<object, Map<string, Promise<RawFile>>>();
  const context: LoadContext = {
    report: createReport(),
    sources: new Map(),
    provenance: createProvenance(),
    fetchRemote: options.fetchRemote,
    fetchOci: options.fetchOci,
    fetched: new Map(),
    tables: tablesOf(projectSpec),
    home: options.environment.HOME,
    interpolate: options.interpolate !== false,
    resolvePaths: options.resolvePaths !== false,
    unset: new Map(),
    broken: new Set(),
    peek(file) {
      const result = parsed.get(file) ?? parse(file, context.report);
      parsed.set(file, result);
      return result;
    },
    parse(file) {
      const peeked = parsed.get(file);
      parsed.delete(file);
      return peeked ?? parse(file, context.report);
    },
    loadScope: (files, scope, included) => loadScope(context, files, scope, included),
    loadRaw(file, scope) {
      const ofScope = raw.get(scope.environment) ?? new Map<string, Promise<RawFile>>();
      raw.set(scope.environment, ofScope);
      const key = `${scope.directory}\n${scope.base}\n${file.name}`;
      const result = ofScope.get(key) ?? loadRaw(context, file, scope);
      ofScope.set(key, result);
      return result;
    },
  };
  return context;
}

function sourceOfVariable({ provenance }: LoadContext, name: string): VariableSource | undefined {
  for (const environment of provenance.environments) {
    const source = provenance.sourceOf(environment, name);
    if (source) return source;
  }
  return undefined;
}

/** Relative paths begin at the project directory; those of a project that is remote as a whole in its checkout. */
function baseDirectory(options: LoadOptions, found: Discovered, [first]: readonly SourceFile[]): string {
  return first?.root === undefined || options.projectDirectory ? found.directory : dirname(first.name);
}

async function readFiles(
  context: LoadContext,
  options: LoadOptions,
  { files }: Discovered,
): Promise<readonly SourceFile[] | undefined> {
  const read: (SourceFile | undefined)[] = [];
  for (const name of files) {
    if (name === '-') read.push(addSource(context, '-', Buffer.from((await options.stdin?.()) ?? '')));
    else {
      const located = await locate(context, name, {});
      read.push(located && readSource(context, located.name, { root: located.root }));
    }
  }
  const present = read.filter((file) => file !== undefined);
  return present.length === read.length ? present : undefined;
}

/** Ends the load with what was told, or with `message` where nothing was. */
function failed(context: LoadContext, message = 'no Compose file'): never {
  if (context.report.errors.length === 0) context.report.error({ code: 'COMPOSE_INVALID', message, at: [] });
  context.report.finish();
  throw new Error('unreachable: a failed load has findings');
}

/** The part of the project that was asked for. */
function narrow(project: Project, options: LoadOptions): Project {
  if (options.interpolate === false) return project;
  const selected = select(project, { services: options.services ?? [] });
  return options.allResources ? selected : dropUnused(selected);
}
