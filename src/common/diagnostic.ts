/** A place in a text file. Lines and columns count from 1; `end*` is exclusive. Shown as `file:line:column`. */
export interface SourceSpan {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine?: number;
  readonly endColumn?: number;
}

/** One finding about the user's input. Diagnostics are collected and shown together; errors are thrown. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** Catalogue code, e.g. `COMPOSE_UNKNOWN_KEY`. */
  readonly code: string;
  /** Attribute path in the user's words, e.g. `services.web.ports[0]`. */
  readonly path?: string;
  readonly message: string;
  readonly hint?: string;
  /** The place first, then the places that contributed to it (the other end of a conflict, the chain of a cycle). */
  readonly at: readonly SourceSpan[];
}

/** `file:line:column`, as editors and terminals make it a link. */
export function formatSpan(span: SourceSpan): string {
  return `${span.file}:${span.line}:${span.column}`;
}

/**
 * Text of one diagnostic: place, path, message, the source line with a caret, further places and the hint.
 * `readLine` returns a line of a file (counted from 1), or undefined where the text is not at hand.
 */
export function formatDiagnostic(
  diagnostic: Diagnostic,
  readLine: (file: string, line: number) => string | undefined = () => undefined,
): string {
  const [first, ...others] = diagnostic.at;
  const head = [
    first && formatSpan(first),
    diagnostic.severity === 'warning' ? 'warning:' : undefined,
    diagnostic.path && `${diagnostic.path}:`,
    diagnostic.message,
  ];
  const lines = [head.filter(Boolean).join(' ')];
  const source = first && readLine(first.file, first.line);
  if (first && source !== undefined) lines.push(...excerpt(source, first));
  for (const span of others) lines.push(`  see ${formatSpan(span)}`);
  if (diagnostic.hint) lines.push(`  hint: ${diagnostic.hint}`);
  return lines.join('\n');
}

function excerpt(source: string, span: SourceSpan): string[] {
  const gutter = `  ${span.line} | `;
  const width = span.endLine === span.line && span.endColumn !== undefined ? span.endColumn - span.column : 1;
  const pad = source.slice(0, span.column - 1).replace(/[^\t]/g, ' ');
  return [`${gutter}${source}`, `${' '.repeat(gutter.length - 2)}| ${pad}${'^'.repeat(Math.max(1, width))}`];
}
