// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of Compose files
import { describe, expect, test } from '@jest/globals';
import { parseDotenv, parseRawEnv } from '../../../../src/compose/source/dotenv.ts';
import { spanOf } from '../../../../src/compose/source/node.ts';

const shell = new Map([['SHELL_VAR', 'from shell']]);
const lookup = (name: string) => shell.get(name);
const read = (text: string) => {
  const variables = new Map<string, string>();
  const error = parseDotenv({ name: '.env', text }, variables, { lookup });
  if (error) return { message: error.message, line: spanOf(error.place).line, column: spanOf(error.place).column };
  return Object.fromEntries(variables);
};

describe('an env file', () => {
  test.each([
    ['A=1', { A: '1' }],
    ['\ufeffA=1\r\nB=2\r\n', { A: '1', B: '2' }],
    ['# note\n\n  A = spaced value  \n', { A: 'spaced value' }],
    ['export A=1\nexport\tB=2', { A: '1', B: '2' }],
    ['A: yaml\nB:2', { A: 'yaml', B: '2' }],
    ['A=x#y\nB=x #y', { A: 'x#y', B: 'x' }],
    ['A=', { A: '' }],
    ['SHELL_VAR\nNOWHERE\nA=1', { SHELL_VAR: 'from shell', A: '1' }],
    ['SHELL_VAR', { SHELL_VAR: 'from shell' }],
    ["A='$SHELL_VAR \\n'", { A: '$SHELL_VAR \\n' }],
    ['A="$SHELL_VAR\\tx\\n"', { A: 'from shell\tx\n' }],
    ['A=$SHELL_VAR\nB=${A}!', { A: 'from shell', B: 'from shell!' }],
    ['A="\\$SHELL_VAR \\"q\\" \\\\"', { A: '$SHELL_VAR "q" \\' }],
    ["A='it\\'s'", { A: "it's" }],
    ['A="two\nlines"\nB=2', { A: 'two\nlines', B: '2' }],
    ['A="x" # comment\nB=1', { A: 'x', B: '1' }],
    ['A=${NONE:-d}', { A: 'd' }],
    ['a.b-c=1', { 'a.b-c': '1' }],
    ['A=1\nA=2', { A: '2' }],
  ])('%j', (text, variables) => {
    expect(read(text)).toEqual(variables);
  });

  test.each([
    ['A=1\nB="open', { message: 'unterminated quoted value "open', line: 2, column: 3 }],
    ['A B=1', { message: 'key cannot contain a space', line: 1, column: 1 }],
    ['A=1\n!B=1', { message: 'unexpected character "!" in variable name "!B=1"', line: 2, column: 1 }],
    ['A=${NONE?gone}', { message: 'required variable NONE is missing a value: gone', line: 1, column: 3 }],
  ])('%j is refused with its place', (text, error) => {
    expect(read(text)).toEqual(error);
  });

  test('format raw takes values as they stand', () => {
    const variables = new Map<string, string>();
    expect(
      parseRawEnv({ name: 'raw', text: '# c\nA="q" $X #y\nSHELL_VAR\nB=\n' }, variables, { lookup }),
    ).toBeUndefined();
    expect(Object.fromEntries(variables)).toEqual({ A: '"q" $X #y', SHELL_VAR: 'from shell', B: '' });
  });
});
