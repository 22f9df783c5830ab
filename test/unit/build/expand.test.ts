import { describe, expect, test } from '@jest/globals';
import { expand } from '../../../src/build/language/expand.ts';

const variables: Readonly<Record<string, string>> = { A: 'one', E: '', P: '/usr/local/lib/x.tar.gz', S: 'a-b-a' };
const lookup = (name: string) => variables[name];
/** `@{` stands for the opening of a substitution. */
const opened = (source: string): string => source.replaceAll('@{', '$'.concat('{'));
const text = (source: string, escapeChar = '\\') => expand(opened(source), { lookup, escapeChar }).text;

describe('expansion', () => {
  test.each([
    ['$A-@{A}', 'one-one'],
    ['[$U]', '[]'],
    ['@{U:-w} @{U-w} @{E:-w} @{E-w}', 'w w w '],
    ['@{A:+w} @{E:+w} @{E+w} @{U+w}', 'w  w '],
    ['@{U:-@{A}2}', 'one2'],
    ['\\$A "\\$A" \'$A\'', '$A $A $A'],
    ['"a  b" c\\ d', 'a  b c d'],
    ['@{P##*/} @{P#*/}', 'x.tar.gz usr/local/lib/x.tar.gz'],
    ['@{P%.*} @{P%%.*}', '/usr/local/lib/x.tar /usr/local/lib/x'],
    ['@{S/a/x} @{S//a/x} @{S//-/}', 'x-b-a x-b-x aba'],
    ['$', '$'],
    ['cost: 5$', 'cost: 5$'],
  ])('of %s gives %s', (source, expected) => {
    expect(text(source)).toBe(expected);
  });

  test('takes the backtick for an escape where the file says so', () => {
    expect(text('`$A \\$A', '`')).toBe('$A \\one');
  });

  test.each([
    '@{',
    '@{}',
    '@{A',
    '@{A:',
    '@{A:=x}',
    '@{A#\\o}',
    '@{A/\\o/x}',
    '@{A%\\',
    '@{U:?must be set}',
    '@{U?}',
    '"open',
    "'open",
  ])('refuses %s', (source) => {
    expect(() => text(source)).toThrow('cannot expand');
  });

  test('splits words after expansion, quotes aside', () => {
    const { words } = expand('$L "$L" x', { lookup: () => 'a b', escapeChar: '\\' });
    expect(words).toEqual(['a', 'b', 'a b', 'x']);
  });

  test.each([
    ['@{E/*/x}@{E//*/x}@{U//*/x}', 'xxx'],
    ['@{A//*/x}', 'x'],
    ['@{A//?/x}@{A///-}', 'xxx-o-n-e-'],
    ['@{L//*/x}', 'x\nx'],
    ['@{L#*b}', 'a\nb'],
    ['@{A#@{H}}@{A##o}', 'nene'],
    ['@{A//n/@{D}}', 'o<n>$e'],
    ['@{A/n/@{D}}', 'o<$0>$$$xe'],
  ])('matches as Go does: %s gives %s', (source, expected) => {
    const values: Readonly<Record<string, string>> = { ...variables, L: 'a\nb', H: '#o', D: '<$0>$$$x' };
    expect(expand(opened(source), { lookup: (name) => values[name], escapeChar: '\\' }).text).toBe(expected);
  });

  test('stays linear on patterns that make others backtrack', () => {
    const long = 'a'.repeat(3000);
    const started = performance.now();
    expand(opened('@{L%%*a*a*a*a*a*a*b}'), { lookup: () => long, escapeChar: '\\' });
    expand(opened('@{L//a*b/x}'), { lookup: () => 'a'.repeat(200_000), escapeChar: '\\' });
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  test('refuses a value that doubled itself beyond all use', () => {
    const huge = 'x'.repeat(1 << 20);
    expect(() => expand('$L$L', { lookup: () => huge, escapeChar: '\\' })).toThrow('characters longer');
  });
});
