import { expect, test } from '@jest/globals';
import { buildGraph } from '../../../src/build/graph.ts';
import { parseBuildFile } from '../../../src/build/parse.ts';

const graph = (text: string, target?: string, args: Record<string, string> = {}) =>
  buildGraph(parseBuildFile(text, 'iEchorfile'), new Map(Object.entries(args)), target);

const three = 'FROM a AS one\nFROM b AS two\nRUN x\nFROM one\nCOPY --from=one /x /x';

test('stages that the target does not need are left out', () => {
  expect([...graph(three).needed]).toEqual([0, 2]);
  expect([...graph(three, 'two').needed]).toEqual([1]);
  expect(graph(three, 'TWO').target.label).toBe('two');
  expect(() => graph(three, '1')).toThrow('no build stage "1"');
});

test('mounts and numbers count as needs', () => {
  const text = 'FROM a AS one\nFROM b\nFROM c\nRUN --mount=from=one,target=/m x\nCOPY --from=1 /y /y';
  expect([...graph(text).needed]).toEqual([0, 1, 2]);
});

test('names of images take variables, names of earlier stages win over images', () => {
  const nodes = graph('ARG B=base\nFROM x AS base\nFROM $B\nFROM base2', undefined, { B: 'base' }).nodes;
  expect(nodes.map((node) => node.base)).toEqual([{ image: 'x' }, { stage: 0 }, { image: 'base2' }]);
});

test.each([
  ['FROM a AS one\nCOPY --from=two / /\nFROM b AS two\nCOPY --from=one / /', 'must stand before'],
  ['FROM a\nCOPY --from=7 / /', 'no build stage number 7'],
  ['FROM $X', 'is empty'],
])('%j is refused', (text, message) => {
  expect(() => graph(text)).toThrow(message);
});

test('a target that is not there is guessed', () => {
  expect(() => graph(three, 'tow')).toThrow(
    expect.objectContaining({ hint: 'did you mean "two"?' }) as unknown as Error,
  );
});

test('a context takes the place of stages and images of its name', () => {
  const file = parseBuildFile('FROM a AS one\nFROM docker.io/library/b:latest\nCOPY --from=one /x /x', 'iEchorfile');
  const { nodes, needed } = buildGraph(file, new Map(), undefined, new Set(['one', 'b']));
  expect(nodes[1]?.base).toEqual({ context: 'b' });
  expect([...needed]).toEqual([1]);
});

test('contexts are named as images are, and stand behind the numbers of stages', () => {
  const contexts = (text: string, ...names: string[]) =>
    buildGraph(parseBuildFile(text, 'iEchorfile'), new Map(), undefined, new Set(names));
  expect(() => contexts('FROM a', 'Other')).toThrow('invalid context name Other');
  expect(contexts('FROM Other', 'other').nodes[0]?.base).toEqual({ image: 'Other' });
  expect([...contexts('FROM a\nFROM b\nCOPY --from=0 / /', '0').needed]).toEqual([0, 1]);
});

test('mounts know stages by their names only', () => {
  const text = 'FROM a\nFROM b\nRUN --mount=from=0,target=/m x';
  expect([...graph(text).needed]).toEqual([1]);
});
