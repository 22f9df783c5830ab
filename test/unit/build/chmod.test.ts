import { expect, test } from '@jest/globals';
import { parseChmod } from '../../../src/build/files/chmod.ts';

test.each<[string, number, boolean, number]>([
  ['755', 0o644, false, 0o755],
  ['4755', 0o644, false, 0o4755],
  ['u=rwX,go=rX', 0o644, false, 0o644],
  ['u=rwX,go=rX', 0o700, true, 0o755],
  ['+x', 0o644, false, 0o755],
  ['go-rwx', 0o755, false, 0o700],
  ['u+s,o+t', 0o755, false, 0o4755],
  ['u+t', 0o644, false, 0o1644],
  ['+st', 0o644, false, 0o1644],
  ['=s', 0o1710, true, 0o7000],
  ['g=u', 0o4740, false, 0o4770],
  ['u=rg', 0o7751, false, 0o3551],
  ['u=g,g=o,o=u', 0o7751, false, 0o7515],
  ['a-x,a+X', 0o754, false, 0o755],
  ['-X', 0o754, false, 0o644],
  ['a=r', 0o777, false, 0o444],
])('%s turns %i (directory: %s) into %i', (text, before, isDirectory, after) => {
  expect(parseChmod(text)?.change(before, isDirectory)).toBe(after);
});

test.each(['zzz', '99', '77777', 'u', 'u~x'])('%s is no mode', (text) => {
  expect(parseChmod(text)).toBeUndefined();
});
