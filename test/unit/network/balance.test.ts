import { expect, test } from '@jest/globals';
import { chooseTargets } from '../../../src/network/balance.ts';
import type { Serving } from '../../../src/network/types.ts';

const member = (serving: Serving, address: string) => ({
  serving,
  target: { protocol: 'tcp', hostAddress: '', hostPort: 8080, address, containerPort: 80 } as const,
});
const addresses = (...members: readonly ReturnType<typeof member>[]) =>
  chooseTargets(members).map(({ address }) => address);

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
