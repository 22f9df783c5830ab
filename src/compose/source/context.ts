import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { codeOf, messageOf } from '../../common/error.ts';
import type { Fetched, FetchOci, FetchRemote } from './git-reference.ts';
import type { Interpolation } from './interpolate.ts';
import type { MapNode, Node, Place, SourceFile } from './node.ts';
import type { ParsedDocument } from './parse.ts';
import type { Provenance } from './provenance.ts';
import type { Tables } from './prune.ts';
import type { Path, Report } from './report.ts';
import { decodeUtf8 } from './syntax-text.ts';

/** What the stages of one load share. */
export interface LoadContext {
  readonly report: Report;
  readonly sources: Map<string, SourceFile>;
  readonly provenance: Provenance;
  readonly fetchRemote: FetchRemote | undefined;
  readonly fetchOci: FetchOci | undefined;
  /** Remote files, by reference: each is fetched once. */
  readonly fetched: Map<string, Promise<Fetched>>;
  readonly tables: Tables;
  readonly home: string | undefined;
  readonly interpolate: boolean;
  readonly resolvePaths: boolean;
  readonly unset: Interpolation['unset'];
  /** Services that lack what they should have extended: not told again for what is missing in them. */
  readonly broken: Set<string>;
  /** Documents of a file, for looking only: loading changes them. */
  readonly peek: (file: SourceFile) => Promise<readonly ParsedDocument[] | undefined>;
  readonly parse: (file: SourceFile) => Promise<readonly ParsedDocument[] | undefined>;
  /** Include loads whole scopes, extends loads files: both are handed in, since both are parts of loading. */
  readonly loadScope: (
    files: readonly SourceFile[],
    scope: Scope,
    included: IncludeChain,
  ) => Promise<MapNode | undefined>;
  readonly loadRaw: (file: SourceFile, scope: Scope) => Promise<RawFile>;
}

export type Resets = readonly (readonly string[])[];

/** A file that is only extended from. */
export interface RawFile {
  readonly root: MapNode | undefined;
  readonly resets: Resets;
}

/** The files being loaded, outermost first, each with the place that asked for the next. */
export type IncludeChain = readonly { readonly file: string; readonly from?: Node }[];

export interface FileOptions {
  readonly scope: Scope;
  /** False for a file that is only extended from: its services are taken raw. */
  readonly whole: boolean;
  readonly included: IncludeChain;
}

/** One set of files with a directory and an environment: the project's own, or an include's. */
export interface Scope {
  /** Absolute. */
  readonly directory: string;
  /** What relative paths are joined to: the directory, or for an include its way from the including scope. */
  readonly base: string;
  readonly environment: ReadonlyMap<string, string>;
}

export interface Asked {
  /** Who asked for the file. */
  readonly at?: readonly (Place | undefined)[];
  readonly path?: Path;
}

/** Reads a file once; tells of what is not there, no file, or no UTF-8. */
export function readSource(
  context: LoadContext,
  name: string,
  asked: Asked & { readonly root?: string | undefined } = {},
): SourceFile | undefined {
  const known = context.sources.get(name);
  if (known) return known;
  let bytes: Uint8Array;
  try {
    bytes = readBounded(name);
  } catch (cause) {
    const why =
      codeOf(cause) === 'ENOENT'
        ? 'no such file or directory'
        : codeOf(cause) === 'EISDIR'
          ? 'is a directory'
          : messageOf(cause);
    context.report.error({
      code: 'COMPOSE_FILE_MISSING',
      path: asked.path,
      message: `open ${name}: ${why}`,
      at: asked.at ?? [],
    });
    return undefined;
  }
  return addSource(context, name, bytes, asked.root);
}

/** At most so much is read, also of what has no end. */
const mostBytes = 64 * 1024 * 1024;

function readBounded(name: string): Uint8Array {
  const file = openSync(name, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let total = 0; ; ) {
      const chunk = Buffer.allocUnsafe(total === 0 ? Math.min(fstatSync(file).size + 1 || 65_536, mostBytes) : 1 << 20);
      const count = readSync(file, chunk);
      if (count === 0) return Buffer.concat(chunks);
      total += count;
      if (total > mostBytes) throw new Error(`is larger than ${mostBytes / 1024 / 1024} MiB`);
      chunks.push(chunk.subarray(0, count));
    }
  } finally {
    closeSync(file);
  }
}

export function addSource(
  context: LoadContext,
  name: string,
  bytes: Uint8Array,
  root?: string,
): SourceFile | undefined {
  const { text, badAt } = decodeUtf8(bytes);
  const file: SourceFile = { name, text, ...(root !== undefined && { root }) };
  context.sources.set(name, file);
  if (badAt === undefined) return file;
  const place = { file, start: badAt, end: badAt + 1 };
  context.report.error({
    code: 'COMPOSE_SYNTAX',
    message: 'invalid UTF-8: this is not YAML text',
    hint: 'save the file as UTF-8',
    at: [place],
  });
  return undefined;
}

export const absoluteIn = (directory: string, path: string): string =>
  isAbsolute(path) ? path : join(directory, path);

/** The way from the scope's directory to a path's directory, `.` for the directory itself. */
export function relativeDirectory(directory: string, path: string): string {
  const target = absoluteIn(directory, path);
  return relative(directory, isDirectory(target) ? target : dirname(target)) || '.';
}

export const isDirectory = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();
