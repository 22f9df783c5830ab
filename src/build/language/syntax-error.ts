import { formatDiagnostic, type SourceSpan } from '../../common/diagnostic.ts';
import { IechorError } from '../../common/error.ts';
import type { ErrorCode } from '../../common/error-catalogue.ts';

export interface Place {
  readonly at: SourceSpan;
  /** Lines of the file, for the excerpt. */
  readonly lines: readonly string[];
  readonly hint?: string | undefined;
  readonly code?: ErrorCode;
  /** Exit code of the command that failed. */
  readonly exit?: number;
  readonly cause?: unknown;
}

/** An error whose message begins with `file:line:column` and shows the line. */
export function syntaxError(message: string, place: Place): IechorError {
  const { at, lines, hint, code = 'BUILD_SYNTAX', exit, cause } = place;
  const text = formatDiagnostic({ severity: 'error', code, message, at: [at] }, (file, line) =>
    file === at.file ? lines[line - 1]?.slice(0, 300) : undefined,
  );
  return new IechorError(code, text, { at: [at], hint, exit, cause });
}
