import type { Diagnostic } from '../common/diagnostic.ts';

/**
 * Findings for editors: `{"diagnostics": [{severity, code, path, message, hint, at: [{file, line, column, endLine,
 * endColumn}]}]}`. Lines and columns count from 1, ends are exclusive; the first place of `at` is the finding's own.
 */
export function diagnosticsJson(diagnostics: readonly Diagnostic[]): string {
  const rows = diagnostics.map(({ severity, code, path, message, hint, at }) => ({
    severity,
    code,
    path,
    message,
    hint,
    at,
  }));
  return JSON.stringify({ diagnostics: rows }, undefined, 2);
}
