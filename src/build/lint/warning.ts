import type { SourceSpan } from '../../common/diagnostic.ts';
import type { Instruction, StageInstruction } from '../language/types.ts';
import type { LintRule } from './rule-table.ts';

/** What a check found. */
export interface LintWarning {
  readonly rule: LintRule;
  readonly message: string;
  readonly at: SourceSpan;
}

export const warn = (rule: LintRule, message: string, at: SourceSpan): LintWarning => ({ rule, message, at });

/** The place of a piece of an instruction's text, else the whole instruction's. */
export function placeOf(instruction: Instruction | StageInstruction, piece: string): SourceSpan {
  const { at, lines } = instruction;
  for (let line = at.line; line <= (at.endLine ?? at.line); line++) {
    const text = lines[line - 1] ?? '';
    const column = text.indexOf(piece, line === at.line ? at.column - 1 : 0);
    if (column >= 0) {
      return { file: at.file, line, column: column + 1, endLine: line, endColumn: column + 1 + piece.length };
    }
  }
  return at;
}
