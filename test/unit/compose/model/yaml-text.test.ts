import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { naturalOrder } from '../../../../src/compose/model/natural-order.ts';
import { toYaml } from '../../../../src/compose/model/yaml-text.ts';

describe('text in YAML', () => {
  test.each([
    ['plain', 'plain'],
    ['', '""'],
    ['yes', '"yes"'],
    ['y', '"y"'],
    ['null', '"null"'],
    ['1.5', '"1.5"'],
    ['0x1f', '"0x1f"'],
    ['22:22', '"22:22"'],
    ['2020-01-01', '"2020-01-01"'],
    ['a: b', "'a: b'"],
    ['a #b', "'a #b'"],
    ['#b', "'#b'"],
    ["it's", "it's"],
    ["'q", "'''q'"],
    ['- a', "'- a'"],
    ['-a', '-a'],
    ['*a', "'*a'"],
    [' a', "' a'"],
    ['a\tb', '"a\\tb"'],
    ['\u001b[1m', '"\\e[1m"'],
    ['a\nb', '|-\n    a\n    b'],
    ['a\nb\n', '|\n    a\n    b'],
    ['a\n\n', '|+\n    a\n'],
    ['  a\nb', '|2-\n      a\n    b'],
    ['a \nb', '"a \\nb"'],
    ['héé', 'héé'],
  ])('%j is %s', (value, text) => {
    const map = new Map([['k', new Map([['v', value]])]]);
    expect(toYaml(map)).toBe(`k:\n  v: ${text}\n`);
    expect((parse(toYaml(map)) as { k: { v: string } }).k.v).toBe(value);
  });

  test('lists stand below their key, indented', () => {
    const value = new Map([
      [
        'a',
        [
          1,
          new Map<string, number | never[]>([
            ['b', 2],
            ['c', []],
          ]),
          [3],
        ],
      ],
    ]);
    expect(toYaml(value)).toBe('a:\n  - 1\n  - b: 2\n    c: []\n  - - 3\n');
  });
});

test('numbers in keys count as numbers', () => {
  expect(['a10', 'a2', 'b', 'a_1', 'A', 'a-b', 'a', '1', '10', '9'].sort(naturalOrder)).toEqual([
    '1',
    '9',
    '10',
    'A',
    'a',
    'a-b',
    'a_1',
    'a2',
    'a10',
    'b',
  ]);
});
