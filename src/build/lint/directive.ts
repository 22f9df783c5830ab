import { didYouMean } from '../../common/nearest.ts';
import { type LintRule, lintRuleNames, lintRules } from './rule-table.ts';
import type { LintWarning } from './warning.ts';

/** Which checks run, and whether what they find ends the build. */
export interface LintSettings {
  readonly skip: ReadonlySet<string> | 'all';
  readonly experimental: ReadonlySet<string> | 'all';
  readonly error: boolean;
}

export const defaultLintSettings: LintSettings = { skip: new Set(), experimental: new Set(), error: false };

/** Reads `skip=A,B;error=true;experimental=all`. `problem` says what of it cannot be read. */
export function readLintSettings(text: string): LintSettings & { readonly problem?: string; readonly hint?: string } {
  let { skip, experimental, error } = defaultLintSettings;
  for (const option of text.split(';')) {
    const [key = '', value] = option.split('=', 2).map((part) => part.trim());
    if (value === undefined)
      return { ...defaultLintSettings, problem: `invalid check option ${JSON.stringify(option)}` };
    if (key === 'error') {
      if (!/^(1|t|true|0|f|false)$/i.test(value)) {
        return { ...defaultLintSettings, problem: `check=error takes true or false, not ${JSON.stringify(value)}` };
      }
      error = /^(1|t|true)$/i.test(value);
    } else if (key === 'skip') skip = readNames(value);
    else if (key === 'experimental') experimental = readNames(value);
    else {
      const hint = didYouMean(key, ['skip', 'error', 'experimental']);
      return { ...defaultLintSettings, problem: `invalid check option ${JSON.stringify(key)}`, ...(hint && { hint }) };
    }
  }
  return { skip, experimental, error };
}

function readNames(text: string): ReadonlySet<string> | 'all' {
  return text === 'all' ? 'all' : new Set(text.split(',').map((name) => name.trim()));
}

const has = (names: ReadonlySet<string> | 'all', rule: LintRule): boolean => names === 'all' || names.has(rule);

/** The warnings that the settings let through, in the order of their places. What is experimental nobody need skip. */
export function selectWarnings(warnings: readonly LintWarning[], settings: LintSettings): LintWarning[] {
  const experimental = (rule: LintRule): boolean => 'experimental' in lintRules[rule];
  return warnings
    .filter(({ rule }) => (experimental(rule) ? has(settings.experimental, rule) : !has(settings.skip, rule)))
    .toSorted(
      (a, b) =>
        a.at.line - b.at.line ||
        a.at.column - b.at.column ||
        lintRuleNames.indexOf(a.rule) - lintRuleNames.indexOf(b.rule),
    );
}
