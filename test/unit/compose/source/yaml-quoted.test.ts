import { expect, test } from '@jest/globals';
import { Lexer, parse } from 'yaml';
import { indentQuoted } from '../../../../src/compose/source/yaml-quoted.ts';

const scan = (text: string) => new Lexer().lex(text);

test('quoted scalars go on at any indentation, as VS Code writes them', () => {
  const written = 'a:\n  b: ["sh", "x\\n\ntrap \\"0\\"\n\n  y", "-"]\n  c: \'it\'\'s\nso\' # "no\n  d: 1\n';
  expect(() => parse(written)).toThrow();
  const { text, origin } = indentQuoted(written, scan) ?? { text: '', origin: () => 0 };
  expect(parse(text)).toEqual({ a: { b: ['sh', 'x\n trap "0"\ny', '-'], c: "it's so", d: 1 } });
  for (const word of ['sh', 'trap', 'it', 'so', 'd:'])
    expect(written.slice(origin(text.indexOf(word)))).toMatch(new RegExp(`^${word}`));
});

test.each(['a: "x\n  b: 1\n', 'a: "x\n---\nb"\n', 'a: 1\n', `${' '.repeat(300)}a: "x\ny"\n`])(
  '%j is left as it is',
  (written) => {
    expect(indentQuoted(written, scan)).toBeUndefined();
  },
);
