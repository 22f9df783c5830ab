import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../support/private-engine.ts';
import { createTestRoot, isRoot, run, start, type TestEngine, type TestRoot } from './support.ts';

const suite = isRoot ? describe : describe.skip;

suite('commit (needs root)', () => {
  let root: TestRoot;
  let t: TestEngine;
  beforeAll(async () => {
    root = createTestRoot();
    t = await root.open();
  });
  afterAll(() => root.destroy());

  const finished = async (script: string) => {
    const id = await start(t.engine, { Cmd: ['sh', '-c', script], Env: ['A=1'] });
    await t.engine.containerWait({ id });
    return id;
  };

  test('an image of a container has what it wrote and removed, its configuration and the changes', async () => {
    const id = await finished('echo new > /made; rm /etc/group; ln -s made /link');
    const { Id } = await t.engine.containerCommit({
      ...{
        container: id,
        repo: 'team/web',
        tag: '1',
        author: 'me',
        comment: 'why',
        changes: ['ENV B=2', 'CMD ["true"]'],
      },
      body: {},
    });
    const image = await t.engine.imageInspect({ name: 'team/web:1' });
    expect(image).toMatchObject({ Id, Author: 'me', Comment: 'why', Config: { Cmd: ['true'] } });
    expect(image.Config.Env?.toSorted()).toEqual(['A=1', 'B=2', 'PATH=/bin']);
    expect(image.RootFS.Layers).toHaveLength(2);
    const seen = await run(t.engine, 'cat /link; ls /etc', { Image: Id });
    expect(seen.text.split('\n').filter(Boolean)).toEqual(['new', 'hostname', 'hosts', 'passwd', 'resolv.conf']);
    const [step, below] = await t.engine.imageHistory({ name: Id });
    expect(step).toMatchObject({ Id, Size: 4, Comment: 'why', Tags: ['team/web:1'] });
    expect(below).toMatchObject({ Tags: ['busybox:latest'] });
    await t.engine.containerRemove({ id });
  });

  test('what was mounted is left out, and a container that wrote nothing adds no layer', async () => {
    const id = await finished('true');
    const { Id } = await t.engine.containerCommit({ container: id, body: {} });
    const base = await t.engine.imageInspect({ name: 'busybox' });
    expect((await t.engine.imageInspect({ name: Id })).RootFS.Layers).toEqual(base.RootFS.Layers);
    await t.engine.containerRemove({ id });
  });

  test('a running container goes on after it, also where the engine died while it was frozen', async () => {
    const id = await start(t.engine, { Cmd: ['sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.1; done'] });
    await t.engine.containerCommit({ container: id, body: {} });
    t.context.containers.update(id, { frozenForCommit: true });
    await t.context.runtime.pause(id);
    await root.end(t);
    t = await root.open();
    await t.engine.containerKill({ id, signalName: 'TERM' });
    await eventually('the container ends by itself', () => t.context.containers.get(id).status === 'exited');
    expect(t.context.containers.get(id).exitCode).toBe(7);
    await t.engine.containerRemove({ id });
  });

  test('a change or a name that cannot be is refused before anything is made', async () => {
    const id = await finished('true');
    const before = t.context.images.list().length;
    for (const wrong of [{ changes: ['RUN x'] }, { repo: 'Upper' }, { repo: 'a', tag: '-b' }]) {
      await expect(t.engine.containerCommit({ container: id, ...wrong, body: {} })).rejects.toMatchObject({
        code: expect.stringMatching(/^(BAD_REQUEST|REFERENCE_INVALID)$/),
      });
    }
    expect(t.context.images.list()).toHaveLength(before);
    await t.engine.containerRemove({ id });
  });
});
