import type { Diagnostic, SourceSpan } from './diagnostic.ts';
import { type ErrorCode, errorCatalogue } from './error-catalogue.ts';

export interface ErrorDetails {
  /** One sentence that says what to do about it. */
  readonly hint?: string | undefined;
  readonly at?: readonly SourceSpan[] | undefined;
  /** All findings, where the error stands for several. */
  readonly diagnostics?: readonly Diagnostic[] | undefined;
  /** Exit code of the CLI, where it differs from the catalogue's (a container's own code, say). */
  readonly exit?: number | undefined;
  readonly cause?: unknown;
}

/** A mistake or a condition the user can understand; anything else that is thrown is a bug. */
export class IechorError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly at: readonly SourceSpan[];
  readonly diagnostics: readonly Diagnostic[];
  readonly exit: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'IechorError';
    this.code = code;
    this.hint = details.hint;
    this.at = details.at ?? [];
    this.diagnostics = details.diagnostics ?? [];
    this.exit = details.exit ?? errorCatalogue[code].exit;
  }

  /** HTTP status the daemon answers with. */
  get status(): number {
    return errorCatalogue[this.code].status;
  }
}

/** Recognises our errors by shape, since `instanceof` fails across realms and bundles. */
export function isIechorError(error: unknown): error is IechorError {
  return codeOf(error) !== undefined && (codeOf(error) as string) in errorCatalogue;
}

/** The `code` of a Node or iEchor error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return String(error);
}
