import { describe, expect, test } from '@jest/globals';
import { hasWildcard, namePattern } from '../../../src/context/name-pattern.ts';
import { compileRules, readIgnoreFile } from '../../../src/context/patterns.ts';

describe('ignore rules', () => {
  test.each<[string, string[], string[]]>([
    ['*.txt', ['a.txt'], ['d/a.txt', 'a.md']],
    ['dir', ['dir', 'dir/a', 'dir/b/c'], ['direct', 'x/dir']],
    ['/dir/', ['dir', 'dir/a'], ['x/dir']],
    ['**/sub', ['sub', 'a/sub', 'a/b/sub/c'], ['asub']],
    ['a/**', ['a/b', 'a/b/c'], ['a']],
    ['**', ['a', 'a/b'], []],
    ['**/*.go', ['x.go', 'a/b/x.go'], ['x.got']],
    ['a/**/z', ['a/z', 'a/b/c/z'], ['z', 'a/zz']],
    ['./x/../y', ['y'], ['x']],
    ['../a', [], ['a']],
    ['/../a', ['a'], []],
    ['[^a].c', ['b.c'], ['a.c']],
    ['f(1)+.txt', ['f(1)+.txt'], ['f11.txt']],
    ['?', ['a'], ['ab']],
  ])('%s', (pattern, yes, no) => {
    const rules = compileRules([pattern]);
    for (const path of yes) expect([path, rules.matches(path)]).toEqual([path, true]);
    for (const path of no) expect([path, rules.matches(path)]).toEqual([path, false]);
  });

  test('the last rule that matches wins, and takes back in what lies below', () => {
    const rules = compileRules(readIgnoreFile('# all\r\ndir\n! dir/sub \ndir/sub/deep\n'));
    expect(['dir', 'dir/a', 'dir/sub', 'dir/sub/x', 'dir/sub/deep', 'dir/sub/deep/y'].map(rules.matches)).toEqual([
      true,
      true,
      false,
      false,
      true,
      true,
    ]);
    expect(rules.hasExceptions).toBe(true);
  });

  test.each(['!', '[', 'a/[b', '\\'])('%s is refused', (line) => {
    expect(() => compileRules([line])).toThrow('is not a pattern');
  });

  test('stay fast on patterns that make others backtrack', () => {
    const rules = compileRules([`${'**/a*'.repeat(30)}b`]);
    const started = performance.now();
    rules.matches(`${'a/'.repeat(60)}${'a'.repeat(2000)}c`);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe("Go's filepath.Match", () => {
  test.each<[string, string, boolean]>([
    ['*.txt', 'a.txt', true],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['[', 'a', false],
    ['[]a]', ']', false],
    ['a?c', 'aüc', true],
  ])('%s on %s', (pattern, name, expected) => {
    expect(namePattern(pattern)(name)).toBe(expected);
  });

  test('escaped characters are no wildcards', () => {
    expect(['a*', 'a\\*', '\\[x', 'x?'].map(hasWildcard)).toEqual([true, false, false, true]);
  });
});

describe("ignore rules as moby's", () => {
  const excludes = (patterns: string[], path: string) => compileRules(patterns).matches(path);

  test('two stars stand for whole names, or at the start for any text before a literal end', () => {
    expect(excludes(['dir/**.txt'], 'dir/x.txt')).toBe(false);
    expect(excludes(['**.txt'], 'dir/x.txt')).toBe(true);
    expect(excludes(['a**'], 'abc/d')).toBe(true);
    expect(excludes(['dir/**'], 'dir')).toBe(false);
  });

  test('a letter after a backslash is that of a regular expression', () => {
    expect(excludes(['\\a.txt'], 'a.txt')).toBe(false);
    expect(excludes(['\\d.txt'], '7.txt')).toBe(true);
    expect(() => compileRules(['dir\\x.txt'])).toThrow(/not a pattern/);
  });

  test.each<[string, string[], string[]]>([
    ['[[:alpha:]].txt', ['a.txt'], ['1.txt', ':.txt']],
    ['[^[:digit:]]', ['a'], ['1']],
    ['[!a]', ['!', 'a'], ['b']],
    ['[\\d_]', ['7', '_'], ['d']],
    ['x[.+]', ['x.', 'x+'], ['xa', 'x\\']],
    ['[?]', ['[]', '^]'], ['?', 'a']],
    ['*^a', ['a'], ['xa', '^a']],
  ])('%s is read by the rules of regular expressions', (pattern, yes, no) => {
    expect(yes.filter((path) => !excludes([pattern], path))).toEqual([]);
    expect(no.filter((path) => excludes([pattern], path))).toEqual([]);
  });

  test.each(['[[:letters:]]', '[b-a]', '[\\q]'])('%s is no class', (pattern) => {
    expect(() => compileRules([pattern])).toThrow(/not a pattern/);
  });

  test('a file that BuildKit cannot read or send is refused', () => {
    expect(() => readIgnoreFile('a\0b\n')).toThrow(/control character/);
    expect(() => readIgnoreFile(`${'x'.repeat(65_536)}\n`)).toThrow(/longer than 65535 bytes/);
  });

  test('an exception that had nothing to take back on a directory does not hold below it', () => {
    const rules = compileRules(['dir/sub/deep', '!dir/sub']);
    expect(rules.matches('dir/sub/deep')).toBe(true);
    expect(rules.matches('dir/sub/deep/w')).toBe(true);
    expect(compileRules(['dir', '!dir/sub']).matches('dir/sub/deep/w')).toBe(false);
  });
});
