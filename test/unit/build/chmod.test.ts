import { expect, test } from '@jest/globals';
import { parseChmod } from '../../../src/build/files/chmod.ts';

test.each<[string, number, boolean, number]>([
  ['755', 0o644, false, 0o755],
  ['4755', 0o644, false, 0o4755],
  ['u=rwX,go=rX', 0o644, false, 0o644],
  ['u=rwX,go=rX', 0o700, true, 0o755],
  ['+x', 0o644, false, 0o755],
  ['go-rwx', 0o755, false, 0o700],
  ['u+s,o+t', 0o755, false, 0o5755],
  ['g=u', 0o740, false, 0o770],
  ['a=r', 0o777, false, 0o444],
])('%s turns %i (directory: %s) into %i', (text, before, isDirectory, after) => {
  expect(parseChmod(text)?.change(before, isDirectory)).toBe(after);
});

test.each(['zzz', '99', '77777', 'u', 'u~x'])('%s is no mode', (text) => {
  expect(parseChmod(text)).toBeUndefined();
});
