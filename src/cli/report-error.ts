import { readFileSync } from 'node:fs';
import { type Diagnostic, formatDiagnostic, formatSpan, type SourceSpan } from '../common/diagnostic.ts';
import { isIechorError, messageOf } from '../common/error.ts';
import { serviceHint } from './service-hint.ts';
import { usageText } from './usage-text.ts';

/** Text and exit code of a failed command. Bugs get their stack; what the user can understand does not. */
export function describeFailure(
  error: unknown,
  options: { debug: boolean; command: string; usageExit: number; flagExit?: number; failureExit?: number },
): { text: string; exit: number } {
  if (isIechorError(error)) {
    const lines = error.diagnostics.length > 0 ? diagnosticsText(error.diagnostics) : headline(error);
    const hint = serviceHint(error) ?? error.hint;
    if (hint && error.diagnostics.length === 0) lines.push(`  hint: ${hint}`);
    if (options.debug && error.stack) lines.push(error.stack);
    const own = error.exit === 1 ? (options.failureExit ?? 1) : error.exit;
    return { text: lines.join('\n'), exit: error.code === 'USAGE' ? options.usageExit : own };
  }
  if (isUsageError(error)) {
    return {
      text: `iechor: ${usageText(messageOf(error))}\n  hint: see '${options.command} --help'`,
      exit: 'args' in error ? options.usageExit : (options.flagExit ?? options.usageExit),
    };
  }
  const stack =
    typeof error === 'object' && error !== null && 'stack' in error ? String(error.stack) : messageOf(error);
  return {
    text: `iechor: this is a bug: ${messageOf(error)}\n${stack}\n  hint: please report it with the lines above`,
    exit: 1,
  };
}

function headline(error: { message: string; at: readonly SourceSpan[] }): string[] {
  const [place, ...others] = error.at;
  const head =
    place && !error.message.includes(formatSpan(place)) ? `${formatSpan(place)} ${error.message}` : error.message;
  return [`iechor: ${head}`, ...others.map((span) => `  see ${formatSpan(span)}`)];
}

/** Every finding with its source line. */
export function diagnosticsText(diagnostics: readonly Diagnostic[]): string[] {
  const files = new Map<string, string[] | undefined>();
  const readLine = (file: string, line: number) => {
    if (!files.has(file)) files.set(file, linesOf(file));
    return files.get(file)?.[line - 1];
  };
  return diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, readLine));
}

function linesOf(file: string): string[] | undefined {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/);
  } catch {
    return undefined; // standard input or a file that is gone: the place alone has to do
  }
}

/** oclif's parser errors carry `oclif.exit`. */
function isUsageError(error: unknown): error is object {
  return typeof error === 'object' && error !== null && 'oclif' in error;
}
