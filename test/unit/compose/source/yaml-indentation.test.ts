import { expect, test } from '@jest/globals';
import { Lexer, parse } from 'yaml';
import { indentContinued } from '../../../../src/compose/source/yaml-indentation.ts';

const scan = (text: string) => new Lexer().lex(text);

test('quoted scalars go on at any indentation, as VS Code writes them', () => {
  const written = 'a:\n  b: ["sh", "x\\n\ntrap \\"0\\"\n\n  y", "-"]\n  c: \'it\'\'s\nso\' # "no\n  d: 1\n';
  expect(() => parse(written)).toThrow();
  const { text, origin } = indentContinued(written, scan) ?? { text: '', origin: () => 0 };
  expect(parse(text)).toEqual({ a: { b: ['sh', 'x\n trap "0"\ny', '-'], c: "it's so", d: 1 } });
  for (const word of ['sh', 'trap', 'it', 'so', 'd:'])
    expect(written.slice(origin(text.indexOf(word)))).toMatch(new RegExp(`^${word}`));
});

test('lists and mappings in brackets go on at any indentation', () => {
  const written = 'a:\n  b: [\n"x", # ]\n  y z, don\'t,\n{ k:\nv, l: [\n]} ]\n  c: {\nd: "}",\n}\n  e: [\n  1\n  ]\n';
  expect(() => parse(written)).toThrow();
  const { text, origin } = indentContinued(written, scan) ?? { text: '', origin: () => 0 };
  expect(parse(text)).toEqual({ a: { b: ['x', 'y z', "don't", { k: 'v', l: [] }], c: { d: '}' }, e: [1] } });
  for (const word of ['"x"', 'y z', 'v,', 'd:', '1']) expect(origin(text.indexOf(word))).toBe(written.indexOf(word));
});

test.each([
  'a: [\nb\n',
  'a: {\nb: "c\n}\n',
  'a: [\n---\nb]\n',
  'a: "x\n  b: 1\n',
  'a: "x\n---\nb"\n',
  'a: 1\n',
  `${' '.repeat(300)}a: "x\ny"\n`,
])('%j is left as it is', (written) => {
  expect(indentContinued(written, scan)).toBeUndefined();
});
