import { expect, test } from '@jest/globals';
import { explainMiss, hashParts, stepKey } from '../../../src/build/cache-key.ts';

const former = (parts: Record<string, string>, files?: Record<string, string>) => ({
  instruction: 'COPY . /',
  parts: hashParts(parts),
  ...(files && { files }),
});

test('a key depends on every part and not on their order', () => {
  expect(stepKey({ a: '1', b: '2' })).toBe(stepKey({ b: '2', a: '1' }));
  expect(stepKey({ a: '1', b: '2' })).not.toBe(stepKey({ a: '12', b: '' }));
});

test('a miss names the files that changed and how', () => {
  const before = { 'a.ts': 'file 0644 0:0 aa', 'b.sh': 'file 0644 0:0 bb', c: 'file 0644 0:0 cc', l: 'link 0:0 x' };
  const now = { 'a.ts': 'file 0644 0:0 a2', 'b.sh': 'file 0755 0:0 bb', l: 'link 0:0 y' };
  const reason = explainMiss(former({ content: '1' }, before), {
    ...former({ content: '2' }),
    files: now,
    subject: 'COPY src/',
  });
  expect(reason).toBe('COPY src/ changed (a.ts content, b.sh mode 644 -> 755, c is gone and 1 more)');
});

test('a miss names the variable, the instruction or the step before', () => {
  const was = former({ parent: 'p', 'variable A': '1' });
  expect(explainMiss(was, former({ parent: 'p', 'variable A': '2' }))).toBe('variable A changed');
  expect(explainMiss(was, former({ parent: 'q', 'variable A': '1' }))).toBe('the step before it changed');
  expect(
    explainMiss(was, { ...former({ parent: 'p', 'variable A': '1', instruction: 'x' }), instruction: 'COPY b /' }),
  ).toBe('the instruction changed, it was: COPY . /');
  expect(explainMiss(undefined, was)).toBe('not built before');
});

test('a step made by older rules is another step', () => {
  expect(stepKey({ a: '1' }, 1)).not.toBe(stepKey({ a: '1' }, 2));
});

test('values are kept only as hashes', () => {
  expect(JSON.stringify(hashParts({ 'variable TOKEN': 'hunter2' }))).not.toContain('hunter2');
});
