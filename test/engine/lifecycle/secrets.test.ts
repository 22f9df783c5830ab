import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestRoot, isRoot, type TestEngine, type TestRoot } from './support.ts';

const suite = isRoot ? describe : describe.skip;
const base64 = (text: string) => Buffer.from(text).toString('base64');

suite('secrets and configs (need root)', () => {
  let root: TestRoot;
  let t: TestEngine;
  beforeAll(async () => {
    root = createTestRoot();
    t = await root.open();
  });
  afterAll(() => root.destroy());

  test('are kept by name, found by name, id and label, and outlive the engine', async () => {
    const { ID } = await t.engine.secretCreate({ body: { Name: 's', Labels: { a: 'b' }, Data: base64('hidden') } });
    await expect(t.engine.secretCreate({ body: { Name: 's', Data: base64('x') } })).rejects.toMatchObject({
      code: 'NAME_IN_USE',
    });
    await root.end(t);
    t = await root.open();
    for (const id of ['s', ID, ID.slice(0, 6)]) expect((await t.engine.secretInspect({ id })).ID).toBe(ID);
    expect(await t.engine.secretList({ filters: { label: ['a=b'] } })).toHaveLength(1);
    expect(await t.engine.secretList({ filters: { label: ['a=c'] } })).toEqual([]);
    await t.engine.secretRemove({ id: 's' });
    await expect(t.engine.secretInspect({ id: 's' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('a secret’s content is told to who hands it on, and nowhere else; that of a config is shown', async () => {
    await t.engine.secretCreate({ body: { Name: 's', Data: base64('hidden') } });
    await t.engine.configCreate({ body: { Name: 'c', Data: base64('shown') } });
    expect(JSON.stringify(await t.engine.secretInspect({ id: 's' }))).not.toContain(base64('hidden'));
    expect(await t.engine.secretData({ id: 's' })).toEqual({ Data: base64('hidden') });
    expect((await t.engine.configInspect({ id: 'c' })).Spec.Data).toBe(base64('shown'));
  });

  test('labels alone change, by the version that was read; what is too large or has no name is refused', async () => {
    await t.engine.secretUpdate({ id: 's', version: 1, body: { Name: 's', Labels: { k: 'v' } } });
    expect(await t.engine.secretInspect({ id: 's' })).toMatchObject({
      Version: { Index: 2 },
      Spec: { Labels: { k: 'v' } },
    });
    const stale = t.engine.secretUpdate({ id: 's', version: 1, body: { Name: 's' } });
    await expect(stale).rejects.toMatchObject({ code: 'WRONG_STATE' });
    for (const body of [{ Name: 's', Data: base64('new') }, { Name: 'other' }]) {
      await expect(t.engine.secretUpdate({ id: 's', version: 2, body })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    }
    const large = Buffer.alloc(501 * 1024).toString('base64');
    for (const body of [{ Name: 'l', Data: large }, { Name: 'e' }, { Name: '../x', Data: base64('x') }]) {
      await expect(t.engine.secretCreate({ body })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    }
  });
});
