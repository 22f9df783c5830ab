import type { Diagnostic, SourceSpan } from '../../common/diagnostic.ts';
import { IechorError } from '../../common/error.ts';
import type { ErrorCode } from '../../common/error-catalogue.ts';
import { type Node, type Place, spanOf } from './node.ts';

/** Attribute path while walking: keys and list indexes. */
export type Path = readonly (string | number)[];

export interface Finding {
  readonly code: ErrorCode;
  readonly path?: Path | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly at: readonly (Place | SourceSpan | undefined)[];
}

/** Collects what is wrong with a project; nothing is thrown until `finish`, unless going on makes no sense. */
export interface Report {
  error(finding: Finding): void;
  warning(finding: Finding): void;
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
  /** Throws when there are errors. */
  finish(): void;
}

/** How many findings are kept; a file that is wrong everywhere is not answered with a book. */
const most = 200;

export function createReport(): Report {
  const errors: Diagnostic[] = [];
  const warnings: Diagnostic[] = [];
  const seen = new Set<string>();
  const add = (list: Diagnostic[], severity: 'error' | 'warning', finding: Finding) => {
    const diagnostic = toDiagnostic(severity, finding);
    const first = diagnostic.at[0];
    const key = `${severity} ${first?.file}:${first?.line}:${first?.column} ${diagnostic.path} ${diagnostic.message}`;
    if (seen.has(key) || list.length >= most) return;
    seen.add(key);
    list.push(diagnostic);
  };
  return {
    errors,
    warnings,
    error: (finding) => add(errors, 'error', finding),
    warning: (finding) => add(warnings, 'warning', finding),
    finish() {
      if (errors.length > 0) throw failure(inOrder(errors), inOrder(warnings));
    },
  };
}

function toDiagnostic(severity: 'error' | 'warning', finding: Finding): Diagnostic {
  const at: SourceSpan[] = [];
  for (const place of finding.at) {
    if (place === undefined) continue;
    const span = 'line' in place ? place : spanOf(place);
    if (!at.some((other) => other.file === span.file && other.line === span.line && other.column === span.column))
      at.push(span);
  }
  return {
    severity,
    code: finding.code,
    message: finding.message,
    at,
    ...(finding.path && finding.path.length > 0 ? { path: pathText(finding.path) } : {}),
    ...(finding.hint === undefined ? {} : { hint: finding.hint }),
  };
}

/** By place: file after file in the order they were first told of, each from top to bottom. */
export function inOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const files = [...new Set(diagnostics.map(({ at }) => at[0]?.file ?? ''))];
  const rank = ({ at: [place] }: Diagnostic) => [
    files.indexOf(place?.file ?? ''),
    place?.line ?? 0,
    place?.column ?? 0,
  ];
  return [...diagnostics].sort((one, other) => {
    const [a, b] = [rank(one), rank(other)] as const;
    return (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0) || (a[2] ?? 0) - (b[2] ?? 0);
  });
}

const fatal: Readonly<Record<string, ErrorCode>> = {
  COMPOSE_FILE_MISSING: 'COMPOSE_FILE_MISSING',
  COMPOSE_SYNTAX: 'COMPOSE_SYNTAX',
  COMPOSE_UNSUPPORTED: 'COMPOSE_UNSUPPORTED',
  PROJECT_NAME: 'PROJECT_NAME',
  SERVICE_NOT_FOUND: 'SERVICE_NOT_FOUND',
};

/** The one error that stands for all findings; where all are of one kind it has that kind's code. */
function failure(errors: readonly Diagnostic[], warnings: readonly Diagnostic[]): IechorError {
  const [first] = errors as [Diagnostic];
  const same = errors.every(({ code }) => code === first.code);
  const code = (same ? fatal[first.code] : undefined) ?? 'COMPOSE_INVALID';
  const message =
    errors.length === 1
      ? sentence(first)
      : `${errors.length} mistakes in the Compose project; the first: ${sentence(first)}`;
  return new IechorError(code, message, {
    at: first.at,
    hint: errors.length === 1 ? first.hint : undefined,
    diagnostics: [...errors, ...warnings],
  });
}

const sentence = ({ path, message }: Diagnostic): string => (path === undefined ? message : `${path}: ${message}`);

/** `services.web.ports[0]`; keys that would read as something else are quoted. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[^.[\]\s"]+$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/**
 * The places to show for a value: where it is written (a mapping or list in block style: its key), the alias it came
 * through, and what it was merged over.
 */
export function placesOf(node: Node): readonly Place[] {
  const places: Place[] = [];
  for (let one: Node | undefined = node; one !== undefined && places.length < 20; one = one.over) {
    places.push(one.kind !== 'scalar' && one.key && !isFlow(one) ? one.key : one.at);
    if (one.via) places.push(one.via);
  }
  return places;
}

/** Like `placesOf`, but of the key: for what is wrong with the attribute and not with its value. */
export function keyPlacesOf(node: Node): readonly Place[] {
  return [node.key ?? node.at, ...(node.via ? [node.via] : [])];
}

const isFlow = ({ at: { file, start } }: Node): boolean => file.text[start] === '{' || file.text[start] === '[';
