import { expect, test } from '@jest/globals';
import { inService } from '../../../src/network/serving.ts';
import type { Serving } from '../../../src/network/types.ts';

const member = (serving: Serving, address: string) => ({ serving, address });
const addresses = (...members: readonly ReturnType<typeof member>[]) =>
  inService(members).map(({ address }) => address);

test('new connections go to the containers that are ready', () => {
  expect(addresses(member('ready', 'a'), member('waiting', 'b'), member('ready', 'c'), member('leaving', 'd'))).toEqual(
    ['a', 'c'],
  );
});

test('where none is ready they go to those that may become so, and not to those about to leave', () => {
  expect(addresses(member('leaving', 'a'), member('waiting', 'b'))).toEqual(['b']);
});

test('the last that is about to leave still has them', () => {
  expect(addresses(member('leaving', 'a'))).toEqual(['a']);
});
