import { describe, expect, test } from '@jest/globals';
import type { InstructionName, InstructionOf } from '../../../src/build/language/types.ts';
import { parseBuildFile } from '../../../src/build/parse.ts';

const parse = (text: string) => parseBuildFile(text, 'iEchorfile');
function only<N extends InstructionName>(name: N, line: string): InstructionOf<N> {
  const found = parse(`FROM a\n${line}\n`).stages[0]?.instructions[0];
  expect(found?.name).toBe(name);
  return found as unknown as InstructionOf<N>;
}
function failure(text: string): {
  message: string;
  hint?: string;
  code: string;
  at: { line: number; column: number }[];
} {
  try {
    parse(text);
  } catch (error) {
    return error as ReturnType<typeof failure>;
  }
  throw new Error('was accepted');
}

describe('the language', () => {
  test.each([
    ['comments', '# a\n'.repeat(100_000)],
    ['continuation lines', `RUN a \\\n${'b \\\n'.repeat(100_000)}c\n`],
    ['white space', `RUN a${' '.repeat(60_000)}b\n`.repeat(20)],
    ['a heredoc', `COPY <<END /f\n${'a line\n'.repeat(100_000)}END\n`],
  ])('reads a file that is long with %s in one go', (_, text) => {
    expect(parse(`FROM a\n${text}USER b\n`).stages[0]?.instructions.at(-1)).toMatchObject({ user: 'b' });
  });

  test('joins continuation lines, leaving comments and empty lines out', () => {
    const run = only('RUN', 'run echo a \\\n# no\n   # no\n\n  b \\  \n && c');
    expect(run.command).toMatchObject({ args: ['echo a   b  && c'], json: false });
    expect(run.at).toMatchObject({ line: 2, endLine: 7 });
  });

  test('reads the exec form, and takes broken JSON for the shell form', () => {
    expect(only('CMD', 'CMD ["a", "b c"]').command).toMatchObject({ args: ['a', 'b c'], json: true });
    expect(only('CMD', 'CMD ["a"] extra').command).toMatchObject({ args: ['["a"] extra'], json: false });
    expect(failure('FROM a\nCMD ["a", 1]').message).toContain('must be strings');
  });

  test('reads heredocs with their flags and names', () => {
    const copy = only('COPY', 'COPY --chown=1 <<-EOF <<"RAW" /d/\n\tx $A\n\tEOF\n$A\nRAW');
    expect(copy.inline).toEqual([
      { name: 'EOF', expand: true, chomp: true, content: 'x $A\n' },
      { name: 'RAW', expand: false, chomp: false, content: '$A\n' },
    ]);
    expect(copy).toMatchObject({ sources: [], destination: '/d/', chown: '1' });
    const names = ['../x', '/x', 'x/'].map((name) => only('COPY', `COPY <<"${name}" /d/\n${name}`).inline[0]?.name);
    expect(names).toEqual(['x', 'x', 'x']);
    expect(failure('FROM a\nCOPY <<a/b /d/\na/b').message).toContain("can not be a file's name");
  });

  test('takes the directives only at the top, and the escape character from them', () => {
    const file = parse('# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN a `\n b');
    expect(file.directives.get('syntax')).toBe('docker/dockerfile:1');
    expect(file.stages[0]?.instructions[0]).toMatchObject({ source: 'RUN a  b' });
    expect(failure('# hello\n# escape=`\nFROM a\nRUN a `\n b').at[0]).toMatchObject({ line: 5, column: 2 });
  });

  test('keeps what RUN mounts for the time when variables are known', () => {
    expect(only('RUN', 'RUN --mount=type=cache,target=$T --network=none x')).toMatchObject({
      mounts: ['type=cache,target=$T'],
      network: 'none',
      command: { args: ['x'] },
    });
  });

  test.each([
    [
      'ENV A=1 B="x y" C=a\\ b',
      [
        ['A', '1'],
        ['B', '"x y"'],
        ['C', 'a\\ b'],
      ],
    ],
    ['ENV A  b  "c"', [['A', 'b  "c"']]],
  ])('reads %s', (line, pairs) => {
    expect(only('ENV', line).pairs.map(({ key, value }) => [key, value])).toEqual(pairs);
  });

  test('puts ARG before FROM aside and numbers the stages', () => {
    const file = parse('ARG V=1\nFROM a:$V AS Build\nFROM scratch');
    expect(file.globalArgs[0]?.args).toEqual([{ key: 'V', value: '1' }]);
    expect(file.stages.map((stage) => [stage.index, stage.name, stage.from.base])).toEqual([
      [0, 'build', 'a:$V'],
      [1, undefined, 'scratch'],
    ]);
  });
});

describe('mistakes', () => {
  test.each<[string, number, number, string]>([
    ['FROM a\nRUM x', 2, 1, 'unknown instruction: RUM'],
    ['FROM a\nCOPY --chwon=1 a b', 2, 6, 'unknown flag: --chwon'],
    ['FROM a\nRUN x \\\n && \\\n --y', 2, 1, ''],
    ['RUN x', 1, 1, 'before the first FROM'],
    ['FROM a\n\uFEFFRUN x', 2, 1, 'unknown instruction: \uFEFFRUN'],
    ['FROM a\nRUN\u00a0x', 2, 1, 'unknown instruction: RUN\u00a0x'],
    ['FROM a\nONBUILD --x RUN y', 2, 1, 'unknown flag: --x'],
    ['# nothing\n', 1, 1, 'with no instructions'],
    ['FROM a b c d', 1, 1, 'one or three arguments'],
    ['FROM a\nRUN <<EOF\nx', 2, 1, 'not terminated'],
    ['FROM a\nCOPY a', 2, 1, 'at least two arguments'],
    ['FROM a\nHEALTHCHECK --interval=x CMD y', 2, 13, 'not a duration'],
    ['FROM a\nENV A=1 B', 2, 9, 'there is no ='],
  ])('%j is told with its place', (text, line, column, message) => {
    if (message === '') return expect(parse(text).stages).toHaveLength(1);
    const error = failure(text);
    expect(error.code).toBe('BUILD_SYNTAX');
    expect(error.message).toContain(message);
    expect(error.message).toMatch(new RegExp(`^iEchorfile:${line}:${column} `));
    return undefined;
  });

  test('what ONBUILD holds is cut at once', () => {
    expect(() => parseBuildFile('FROM a\nONBUILD ENV A', 'f')).toThrow('f:2:');
    expect(() => parseBuildFile('FROM a\nONBUILD COPY a', 'f')).not.toThrow();
    expect(only('ONBUILD', 'ONBUILD  RUN  x  ').trigger).toBe('RUN  x  ');
  });

  test('a line beyond what BuildKit reads is refused with its number', () => {
    expect(() => parseBuildFile(`FROM a\n# ${'x'.repeat(65_540)}\n`, 'f')).toThrow('f:2:1 the line is longer');
  });

  test('a name that looks mistyped is guessed', () => {
    expect(failure('FROM a\nENTRYPIONT x').hint).toBe('did you mean "ENTRYPOINT"?');
    expect(failure('FROM a\nCOPY --chwon=1 a b').hint).toBe('did you mean "--chown"?');
  });

  test('the line is shown with the part that is meant', () => {
    expect(failure('FROM a\nCOPY --chwon=1 a b').message).toContain('  2 | COPY --chwon=1 a b\n    |      ^^^^^^^^^');
  });
});
