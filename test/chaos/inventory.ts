import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type PrivateEngine, tracesOf } from '../support/private-engine.ts';

/** Places below the roots that must be empty when nothing exists but images. */
const emptyPlaces = [
  ...['data/containers', 'data/snapshots', 'data/volumes', 'data/tmp'],
  ...['run/containers', 'run/monitors/containers', 'run/monitors/exits', 'run/runtime/state', 'run/runtime/scratch'],
  ...['run/exec', 'run/build', 'run/netns', 'run/dns'],
];
/** What a stopped engine may leave at the top of its roots. */
const expected: Readonly<Record<string, readonly string[]>> = {
  data: [
    'blobs',
    'cache',
    'containers',
    'empty',
    'l',
    'layers',
    'snapshots',
    'state.db',
    'state.db-reserve',
    'tmp',
    'volumes',
    'build-cache',
  ],
  run: ['booted', 'build', 'code', 'containers', 'dns', 'exec', 'iechord.log', 'monitors', 'runtime', 'seccomp'],
};

const namesIn = (path: string): readonly string[] =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(path) : [];

/** Everything of the engine that should not be there any more: traces in the kernel, files in its roots. */
export function leftovers(engine: PrivateEngine): readonly string[] {
  const files = emptyPlaces.flatMap((place) => namesIn(join(engine.dir, place)).map((name) => `file ${place}/${name}`));
  const unexpected = Object.entries(expected).flatMap(([root, names]) =>
    namesIn(join(engine.dir, root))
      .filter((name) => !names.includes(name))
      .map((name) => `file ${root}/${name}`),
  );
  return [...tracesOf(engine), ...files, ...unexpected, ...danglingLinks(engine)];
}

/** Short names of layers that lead nowhere. */
function danglingLinks(engine: PrivateEngine): readonly string[] {
  return namesIn(join(engine.dir, 'data/l'))
    .filter((name) => !statSync(join(engine.dir, 'data/l', name), { throwIfNoEntry: false }))
    .map((name) => `link data/l/${name}`);
}

const logOf = (engine: PrivateEngine): string => {
  const path = join(engine.dir, 'run/iechord.log');
  return statSync(path, { throwIfNoEntry: false }) ? readFileSync(path, 'utf8') : '';
};

export const logSize = (engine: PrivateEngine): number => logOf(engine).length;

/** Lines of the daemon's log after an offset: all, or those that are no mere information. */
export function logSince(engine: PrivateEngine, from: number, all: boolean): readonly string[] {
  const lines = logOf(engine).slice(from).split('\n').filter(Boolean);
  return all ? lines : lines.filter((line) => !line.includes('level=info'));
}
