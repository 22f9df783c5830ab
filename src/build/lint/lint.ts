import { IechorError } from '../../common/error.ts';
import { syntaxError } from '../language/syntax-error.ts';
import type { BuildFile } from '../language/types.ts';
import { defaultLintSettings, type LintSettings, readLintSettings, selectWarnings } from './directive.ts';
import { checkFile } from './file-rules.ts';
import { checkStages, type StageChecks } from './stage-rules.ts';
import type { LintWarning } from './warning.ts';

/** What the checks of a file found, in its order, as far as it does not skip them; `error`: it wants none. */
export function lint(checks: StageChecks, given?: string): { warnings: LintWarning[]; error: boolean } {
  const settings = settingsOf(checks.file, given);
  const found =
    settings.skip === 'all' && settings.experimental !== 'all' && settings.experimental.size === 0
      ? []
      : [...checkFile(checks.file, checks.needed), ...checkStages(checks)];
  return { warnings: selectWarnings(found, settings), error: settings.error };
}

/** The request's settings (build argument BUILDKIT_DOCKERFILE_CHECK) take the place of the file's. */
function settingsOf(file: BuildFile, given: string | undefined): LintSettings {
  const text = given ?? file.directives.get('check');
  if (text === undefined) return defaultLintSettings;
  const { problem, hint, ...settings } = readLintSettings(text);
  if (problem === undefined) return settings;
  if (given !== undefined) throw new IechorError('BAD_REQUEST', problem, { hint });
  const line = file.lines.findIndex((candidate) => /^#\s*check\s*=/i.test(candidate)) + 1;
  throw syntaxError(problem, { at: { file: file.file, line, column: 1 }, lines: file.lines, hint });
}
