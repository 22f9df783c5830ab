import { expect, test } from '@jest/globals';
import { didYouMean, nearest } from '../../../src/common/nearest.ts';

test.each([
  ['prots', 'ports'],
  ['enviroment', 'environment'],
  ['RUNN', 'RUN'],
  ['comand', 'command'],
])('"%s" was meant to be "%s"', (word, meant) => {
  expect(nearest(word, ['ports', 'environment', 'command', 'RUN', 'image'])).toBe(meant);
});

test('a word that resembles nothing has no suggestion', () => {
  expect(nearest('zebra', ['ports', 'image'])).toBeUndefined();
});

test('a hint never suggests the word itself', () => {
  expect(didYouMean('ports', ['ports', 'port'])).toBe('did you mean "port"?');
  expect(didYouMean('ports', ['ports'])).toBeUndefined();
});
