import { expect, test } from '@jest/globals';
import { nameOf, pathBytes, systemPath } from '../../../src/common/byte-path.ts';

test('every name comes back as it was', () => {
  const names = ['plain', 'über', '漢字', '😀', '\ufffd', ''].map((text) => Buffer.from(text));
  const odd = ['caf\xe9', '\xff', '\xc3', '\xe2\x82', 'a\xf0\x9f\x98b', '\xed\xb2\x80'].map((text) =>
    Buffer.from(text, 'latin1'),
  );
  for (const name of [...names, ...odd, ...names.map((one, at) => Buffer.concat([one, odd[at % odd.length] ?? one]))]) {
    expect(pathBytes(nameOf(name))).toEqual(name);
  }
  for (const name of names) expect(systemPath(nameOf(name))).toBe(name.toString());
  expect(new Set(odd.map(nameOf)).size).toBe(odd.length);
});
