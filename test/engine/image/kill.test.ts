import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { silentLog } from '../../../src/common/log.ts';
import { openStateDb } from '../../../src/host/state-db.ts';
import { saveImages } from '../../../src/image/archive-save.ts';
import { createImageStore } from '../../../src/image/image-store.ts';
import { createSnapshotter } from '../../../src/image/overlay.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: images and sudden death: needs root rights');
/** Seeded rounds of each operation; a long run asks for 50. */
const rounds = Number(process.env.IECHOR_TEST_KILL_ROUNDS ?? 3);
const seed = Number(process.env.IECHOR_TEST_KILL_SEED ?? 1);

/** A number in [0, 1) for each round, the same for the same seed. */
function chance(text: string): number {
  let hash = 2166136261;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

(isRoot ? describe : describe.skip)('images and sudden death', () => {
  test.each(['load', 'commit', 'prune'])(
    'killed in the middle of %s, the store is whole and can be cleaned',
    async (operation) => {
      const dir = mkdtempSync(join(tmpdir(), 'iechor-kill-'));
      const complete = new Set<string>();
      try {
        for (let round = 0; round < rounds; round++) {
          await killedRun({ dir, operation, round, complete });
          await inspect(dir, complete, `${operation}, seed ${seed}, round ${round}`);
        }
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
    60_000 + rounds * 20_000,
  );
});

/** Starts the process, waits until it is at work, and kills it a seeded moment later. */
async function killedRun(run: { dir: string; operation: string; round: number; complete: Set<string> }): Promise<void> {
  const { dir, operation, round, complete } = run;
  const main = resolve('test/engine/image/kill-main.ts');
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, dir, operation, `${seed}-${round}`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  const ended = once(child, 'close');
  await new Promise<void>((done, fail) => {
    child.once('exit', () => fail(new Error(`the process ended before it was at work: ${text}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (/^ready$/m.test(text)) done();
    });
  });
  setTimeout(() => child.kill('SIGKILL'), chance(`${operation} ${seed} ${round}`) * 600);
  await ended;
  for (const [, name] of text.matchAll(/^complete (.+)$/gm)) if (name) complete.add(name);
}

async function inspect(dir: string, complete: ReadonlySet<string>, when: string): Promise<void> {
  const store = openStateDb(join(dir, 'state.db'));
  try {
    const snapshotter = createSnapshotter({ dir });
    const roots = { dataRoot: dir, execRoot: dir, scope: 'ffffffff' };
    const images = createImageStore({ store, snapshotter, roots, log: silentLog });
    await snapshotter.remove('container');
    // What was told to be complete is here and readable to its last byte, and so is whatever else has a record.
    expect({ when, missing: [...complete].filter((name) => !images.find(name)) }).toEqual({ when, missing: [] });
    for (const { id } of images.list()) for await (const _ of saveImages(images, [id]));
    await images.collect(new Set(), { thorough: true });
    const all = images.list();
    const chains = new Set(all.flatMap(({ chain }) => chain.map((one) => one.slice(7))));
    const blobs = new Set(all.flatMap(({ id, manifest }) => [id.slice(7), manifest.slice(7)]));
    for (const chain of chains) {
      const blob = snapshotter.layer(`sha256:${chain}`)?.blob?.digest;
      if (blob) blobs.add(blob.slice(7));
    }
    expect({ when, blobs: readdirSync(join(dir, 'blobs/sha256')).sort() }).toEqual({ when, blobs: [...blobs].sort() });
    expect({ when, layers: readdirSync(join(dir, 'layers')).sort() }).toEqual({ when, layers: [...chains].sort() });
    expect({ when, links: readdirSync(join(dir, 'l')).length }).toEqual({ when, links: chains.size });
    expect({ when, rest: [...readdirSync(join(dir, 'snapshots')), ...readdirSync(join(dir, 'tmp'))] }).toEqual({
      when,
      rest: [],
    });
  } finally {
    store.close();
  }
}
