import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestRoot, isRoot, start, type TestEngine, type TestRoot } from './support.ts';

const suite = isRoot ? describe : describe.skip;

suite('what lies on the disk (needs root)', () => {
  let root: TestRoot;
  let t: TestEngine;
  beforeAll(async () => {
    root = createTestRoot();
    t = await root.open();
  });
  afterAll(() => root.destroy());

  const found = (): number =>
    Number(execFileSync('du', ['-sk', t.context.roots.dataRoot], { encoding: 'utf8' }).split('\t')[0]) * 1024;

  test('the parts of the data root are all that du finds', async () => {
    const id = await start(t.engine, { Cmd: ['sh', '-c', 'dd if=/dev/zero of=/file bs=1M count=3'] });
    await t.engine.containerWait({ id });
    await t.engine.containerCommit({ container: id, repo: 'made', body: {} });
    await t.engine.volumeCreate({ body: { Name: 'data' } });
    const { parts, totalBytes } = await t.engine.systemStorage({});
    expect(Math.abs(totalBytes - found())).toBeLessThan(64 * 1024);
    expect(parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(totalBytes);
    const sizes = Object.fromEntries(parts.map(({ name, sizeBytes }) => [name, sizeBytes]));
    for (const part of ['layers', 'containers']) expect(sizes[part]).toBeGreaterThan(3_000_000);
    expect(parts.map(({ name }) => name)).not.toContain('other');
  });

  test('after everything is removed the data root is below a megabyte', async () => {
    for (const { Id } of await t.engine.containerList({ all: true }))
      await t.engine.containerRemove({ id: Id, v: true });
    await t.engine.volumePrune({ filters: { all: ['true'] } });
    await t.engine.imagePrune({ filters: { dangling: ['false'] } });
    expect(found()).toBeLessThan(1_000_000);
    expect((await t.engine.systemGc({})).totalBytes).toBeLessThan(1_000_000);
  });
});
