import { expect, test } from '@jest/globals';
import { contextUse } from '../../../src/build/summary.ts';

const megabytes = (count: number): number => count * 1_000_000;

test('a context has a size, its ten largest files, and the directories of generated files that are most of it', () => {
  const sizes = new Map([
    ['web/node_modules/a/dist/x.js', megabytes(100)],
    ['web/node_modules/b', megabytes(80)],
    ['.git/objects/pack', megabytes(9)],
    ...Array.from({ length: 20 }, (_, at) => [`src/${at}`, megabytes(1) + at] as const),
  ]);
  const { sizeBytes, files, largest, heavy } = contextUse(sizes);
  expect(sizeBytes).toBe(megabytes(209) + 190);
  expect(files).toBe(23);
  expect(largest.map(({ path }) => path).slice(0, 5)).toEqual([
    'web/node_modules/a/dist/x.js',
    'web/node_modules/b',
    '.git/objects/pack',
    'src/19',
    'src/18',
  ]);
  expect(largest).toHaveLength(10);
  expect(heavy).toEqual([{ path: 'web/node_modules/', sizeBytes: megabytes(180) }]);
});

test('a file that is named like such a directory is none', () => {
  expect(contextUse(new Map([['build', megabytes(50)]])).heavy).toEqual([]);
});
