import { expect, test } from '@jest/globals';
import { formatDiagnostic } from '../../../src/common/diagnostic.ts';

const diagnostic = {
  severity: 'error',
  code: 'COMPOSE_INVALID',
  path: 'services.web.prots',
  message: 'unknown key',
  hint: 'did you mean "ports"?',
  at: [{ file: 'compose.yaml', line: 4, column: 5, endLine: 4, endColumn: 10 }],
} as const;

test('a diagnostic shows place, path, message, the source line with a caret under it, and the hint', () => {
  expect(formatDiagnostic(diagnostic, () => '    prots: []')).toBe(
    [
      'compose.yaml:4:5 services.web.prots: unknown key',
      '  4 |     prots: []',
      '    |     ^^^^^',
      '  hint: did you mean "ports"?',
    ].join('\n'),
  );
});

test('a diagnostic whose file is not at hand shows no excerpt', () => {
  expect(formatDiagnostic(diagnostic)).not.toContain('|');
});
