import { expect, test } from '@jest/globals';
import { chooseTargets, readBakeFiles, setValues } from '../../../src/cli/bake-file.ts';

const read = (...documents: object[]) =>
  readBakeFiles(documents.map((document, index) => ({ name: `${index}.json`, text: JSON.stringify(document) })));
const file = read(
  {
    group: { default: { targets: ['web', 'tools'] }, tools: { targets: ['lint'] } },
    target: {
      base: { args: { A: '1', B: '2' }, tags: ['base'] },
      web: { inherits: ['base'], args: { B: '3' }, contexts: { lower: 'target:base' } },
      lint: { context: 'lint' },
    },
  },
  { target: { lint: { target: 'quick' } } },
);

test('targets inherit, maps by their keys, and later files are laid over earlier ones', () => {
  expect(file.target.web).toEqual({ args: { A: '1', B: '3' }, tags: ['base'], contexts: { lower: 'target:base' } });
  expect(file.target.lint).toEqual({ context: 'lint', target: 'quick' });
});

test('groups stand for their targets, and a target comes after those it is built from', () => {
  expect(chooseTargets(file, [])).toEqual(['base', 'web', 'lint']);
  expect(chooseTargets(file, ['lint'])).toEqual(['lint']);
});

test('values are set by pattern', () => {
  const { target } = setValues(file, ['*.no-cache=true', 'web.args.B=4', 'web.tags=a', 'web.tags=b']);
  expect(target.web).toMatchObject({ args: { A: '1', B: '4' }, tags: ['a', 'b'], 'no-cache': true });
  expect(target.lint?.['no-cache']).toBe(true);
  const { web } = setValues(file, ['web.tags+=a', 'web.platform=linux/arm64', 'web.push=true']).target;
  expect(web).toMatchObject({ tags: ['base', 'a'], platforms: ['linux/arm64'], output: ['type=registry'] });
});

test.each([
  [
    'push',
    ['type=image,compression=zstd', 'type=local,dest=x'],
    ['type=image,compression=zstd,push=true', 'type=local,dest=x'],
  ],
  ['push', ['type=docker'], ['type=registry']],
  ['load', ['type=registry'], ['type=registry', 'type=docker']],
  ['load', ['type=tar,dest=x'], ['type=tar,dest=x']],
] as const)('%s changes the outputs that are given: %j', (name, output, expected) => {
  const given = read({ target: { a: { output } } });
  expect(setValues(given, [`a.${name}=true`]).target.a?.output).toEqual(expected);
});

test('what Docker prints of a bake file is read as one', () => {
  const lists = {
    'cache-from': [{ ref: 'r/cache', type: 'registry' }],
    secret: [{ id: 'token', env: 'TOKEN' }],
    ssh: [{ id: 'default' }, { id: 'key', paths: ['a', 'b'] }],
  };
  expect(read({ target: { a: lists } }).target.a).toEqual({
    'cache-from': ['type=registry,ref=r/cache'],
    secret: ['id=token,env=TOKEN'],
    ssh: ['default', 'key=a,b'],
  });
});

test.each([
  [() => chooseTargets(file, ['wep']), 'no target "wep"'],
  [() => setValues(file, ['web.colour=red']), 'sets nothing'],
  [() => read({ target: { a: { call: 'check' } } }), 'call of the target a is not supported'],
  [() => read({ target: { a: { inherits: ['b'] }, b: { inherits: ['a'] } } }), 'a -> b -> a'],
  [() => read({ target: { a: { tags: 'x' } } }), 'is of another type'],
  [() => read({ variable: {} }), '"variable" is not supported'],
])('%#: mistakes are told', (act, message) => expect(act).toThrow(message));
