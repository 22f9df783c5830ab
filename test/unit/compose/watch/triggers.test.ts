import { describe, expect, test } from '@jest/globals';
import type { WatchRule } from '../../../../src/compose/model/parts.ts';
import type { Project } from '../../../../src/compose/model/project.ts';
import { topmost, workOf } from '../../../../src/compose/watch/changes.ts';
import { initialCopies } from '../../../../src/compose/watch/initial.ts';
import { compileTriggers, containerPath, type Trigger } from '../../../../src/compose/watch/triggers.ts';
import { compileRules } from '../../../../src/context/patterns.ts';

const project = (watch: readonly WatchRule[], extra: object = {}) =>
  ({ name: 'p', services: { web: { develop: { watch }, ...extra } } }) as unknown as Project;

const compiled = (watch: readonly WatchRule[], extra: object = {}, ignored: readonly string[] = []) =>
  compileTriggers(project(watch, extra), ['web'], () => (ignored.length > 0 ? compileRules(ignored) : undefined));

const sync = (rule: Partial<WatchRule> = {}): WatchRule => ({ path: '/src', action: 'sync', target: '/app', ...rule });
const one = (rule: WatchRule): Trigger => compiled([rule]).triggers[0] as Trigger;
const written = (path: string) => ({ path, kind: 'written', directory: false }) as const;
const removed = (path: string, directory = false) => ({ path, kind: 'removed', directory }) as const;

describe('a rule of develop.watch', () => {
  test('is refused where it is over the whole file system', () => {
    expect(() => compiled([sync(), sync({ path: '/' })])).toThrow(
      'services.web.develop.watch[1].path: the whole file system cannot be watched',
    );
  });

  test('wants what is at and below its path, and nothing beside it', () => {
    const { wants } = one(sync());
    expect(['/src', '/src/a', '/src/a/b', '/srcs', '/', '/other/src/a'].map(wants)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test('leaves out what its ignore patterns name, with all below', () => {
    const { wants, skips } = one(sync({ ignore: ['node_modules/', '**/*.tmp', '!keep.tmp'] }));
    expect(wants('/src/node_modules/x/y')).toBe(false);
    expect(wants('/src/deep/a.tmp')).toBe(false);
    expect(wants('/src/keep.tmp')).toBe(true);
    expect(skips('/src/node_modules')).toBe(false); // an exception could lie below
    expect(one(sync({ ignore: ['node_modules/'] })).skips('/src/node_modules')).toBe(true);
  });

  test('with include, wants only what that names', () => {
    const { wants } = one(sync({ include: ['*.js', 'lib/**'] }));
    expect([wants('/src/a.js'), wants('/src/lib/x.css'), wants('/src/b.css')]).toEqual([true, true, false]);
  });

  test.each(['.a.swp', 'a~', '4913', '.#a', '#a#', 'a___jb_tmp___', '.git/index', 'deep/.git/HEAD'])(
    'passes over what editors and git leave: %s',
    (name) => expect(one(sync()).wants(`/src/${name}`)).toBe(false),
  );

  test('follows the ignore file of the build context', () => {
    const { triggers } = compiled([sync({ path: '/ctx/src' })], { build: { context: '/ctx' } }, ['src/gen']);
    expect(triggers[0]?.wants('/ctx/src/gen/a')).toBe(false);
    expect(triggers[0]?.wants('/ctx/src/a')).toBe(true);
  });

  test('is left out with a notice where a bind mount brings the path already', () => {
    const volumes = [{ type: 'bind', source: '/src', target: '/app' }];
    const { triggers, notices } = compiled([sync({ path: '/src/web' })], { volumes });
    expect(triggers).toEqual([]);
    expect(notices).toEqual(["path '/src/web' also declared by a bind mount volume, this path won't be monitored!"]);
  });

  test('may say x-initialSync in place of initial_sync, as files of before do', () => {
    const { triggers, notices } = compiled([{ ...sync(), 'x-initialSync': true } as WatchRule]);
    expect([triggers[0]?.rule.initial_sync, notices[0]]).toEqual([true, expect.stringContaining('initial_sync')]);
  });

  test('maps a file that it names itself to its target, others below it', () => {
    expect(containerPath(one(sync({ path: '/src/a.conf', target: '/etc/a.conf' })), '/src/a.conf')).toBe('/etc/a.conf');
    expect(containerPath(one(sync({ target: 'app' })), '/src/x/y')).toBe('/app/x/y');
  });
});

describe('changes become work', () => {
  test('copies and removals by container path, each path once', () => {
    const work = workOf([written('/src/a'), written('/src/b'), removed('/src/a')], compiled([sync()]).triggers).get(
      'web',
    );
    expect([...(work?.copies ?? [])]).toEqual([['/app/b', '/src/b']]);
    expect([...(work?.removals ?? [])]).toEqual(['/app/a']);
  });

  test('a file in place of a removed directory is removed and copied', () => {
    const work = workOf([removed('/src/a', true), written('/src/a')], compiled([sync()]).triggers).get('web');
    expect([...(work?.removals ?? []), ...(work?.copies.keys() ?? [])]).toEqual(['/app/a', '/app/a']);
  });

  test('the directory that is watched is never removed from the container', () => {
    expect(workOf([removed('/src', true)], compiled([sync()]).triggers).size).toBe(0);
    expect(workOf([removed('/src', true)], compiled([sync({ target: '/' })]).triggers).size).toBe(0);
  });

  test.each([
    ['rebuild', { rebuild: true, restart: false }],
    ['restart', { rebuild: false, restart: true }],
    ['sync+restart', { rebuild: false, restart: true }],
  ] as const)('%s', (action, expected) => {
    expect(workOf([written('/src/a')], compiled([sync({ action })]).triggers).get('web')).toMatchObject(expected);
  });

  test('sync+exec runs its command once for all changes of a batch', () => {
    const exec = { command: ['reload'] };
    const rules = compiled([sync({ action: 'sync+exec', exec })]).triggers;
    expect([...(workOf([written('/src/a'), written('/src/b')], rules).get('web')?.execs ?? [])]).toEqual([exec]);
  });

  test('what lies below another removed path needs no removal of its own', () => {
    expect(topmost(['/a/b', '/a', '/ab', '/a/b/c', '/c'])).toEqual(['/a', '/ab', '/c']);
  });

  test('initial_sync takes the files of its own rule alone', () => {
    const { triggers } = compiled([sync({ initial_sync: true }), sync({ path: '/other', target: '/o' })]);
    expect([...initialCopies('web', triggers, ['/src/a', '/other/b'])]).toEqual([['/app/a', '/src/a']]);
  });
});
