import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type DockerRegistry, startDockerRegistry } from '../test/support/docker-registry.ts';
import { median, spread, timeCommand } from './measure.ts';

/** What an image is made of: layers of files of a size. */
interface Shape {
  readonly name: string;
  readonly layers: number;
  readonly filesPerLayer: number;
  readonly fileBytes: number;
}

const shapes: readonly Shape[] = [
  { name: '500 MB in 10 layers', layers: 10, filesPerLayer: 50, fileBytes: 1_000_000 },
  { name: '50,000 small files', layers: 1, filesPerLayer: 50_000, fileBytes: 1_500 },
];

/** One side: a command line with its own store, emptied before each round. */
interface Side {
  readonly name: string;
  readonly run: (args: readonly string[]) => number;
  reset(): void;
  /** Leaves nothing behind. */
  end(): void;
}

/**
 * Push and pull of new images against the same local registry, both sides by turns. The registry is new for each push,
 * so that nothing is skipped; what is pulled is what the other side pushed.
 */
export async function registry(options: {
  readonly rounds: number;
  readonly peer: string;
  readonly only?: string | undefined;
}): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'iechor-bench-'));
  const peer = options.peer.split(' ');
  try {
    for (const shape of shapes.filter(({ name }) => !options.only || name.includes(options.only))) {
      const times = { push: pair(), pull: pair() };
      for (let round = 0; round < options.rounds; round++) {
        const server = await startDockerRegistry(join(work, `registry-${round}`));
        try {
          measureRound(shape, { work, server, peer, round, times });
        } finally {
          await server.stop();
          rmSync(join(work, `registry-${round}`), { recursive: true, force: true });
        }
      }
      for (const [what, { ours, theirs }] of Object.entries(times)) report(`${what} of ${shape.name}`, ours, theirs);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const pair = () => ({ ours: [] as number[], theirs: [] as number[] });

interface Round {
  readonly work: string;
  readonly server: DockerRegistry;
  readonly peer: readonly string[];
  readonly round: number;
  readonly times: Record<'push' | 'pull', { ours: number[]; theirs: number[] }>;
}

function measureRound(shape: Shape, { work, server, peer, round, times }: Round): void {
  const [mine, theirs] = [ourSide(work), peerSide(peer)];
  const context = join(work, 'context');
  makeContext(context, shape);
  const names = { ours: `${server.host}/bench/ours:1`, theirs: `${server.host}/bench/theirs:1` };
  const sides = [
    { side: mine, name: names.ours, other: names.theirs, into: 'ours' as const },
    { side: theirs, name: names.theirs, other: names.ours, into: 'theirs' as const },
  ];
  // Who comes first takes turns.
  if (round % 2 === 1) sides.reverse();
  try {
    for (const { side, name } of sides) side.run(['build', '-q', '-t', name, context]);
    rmSync(context, { recursive: true });
    for (const { side, name, into } of sides) times.push[into].push(side.run(['push', '-q', name]));
    for (const { side, name, other, into } of sides) {
      side.run(['rmi', '-f', name]);
      side.reset();
      if (shape.filesPerLayer > 1000) forgetRemovals();
      times.pull[into].push(side.run(['pull', '-q', other]));
      side.run(['rmi', '-f', other]);
    }
  } finally {
    mine.end();
  }
}

/**
 * ext4 without a journal passes over inodes for a minute after their removal, one by one (for six where that is not on
 * the disk yet): making many files soon after removing many is several times slower, whosoever's turn it is.
 */
function forgetRemovals(): void {
  spawnSync('sync');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 61_000);
}

/** Files of which two thirds can be compressed to half, and no two alike. */
function makeContext(directory: string, { layers, filesPerLayer, fileBytes }: Shape): void {
  const lines = ['FROM scratch'];
  for (let layer = 0; layer < layers; layer++) {
    for (let file = 0; file < filesPerLayer; file++) {
      const folder = join(directory, `layer${layer}`, `d${Math.floor(file / 500)}`);
      if (file % 500 === 0) mkdirSync(folder, { recursive: true });
      const half = randomBytes(Math.ceil(fileBytes / 3));
      writeFileSync(join(folder, `f${file}`), Buffer.concat([half, Buffer.from(half.toString('hex'))]));
    }
    lines.push(`COPY layer${layer} /layer${layer}`);
  }
  for (const name of ['Dockerfile', 'iEchorfile']) writeFileSync(join(directory, name), `${lines.join('\n')}\n`);
}

/** A daemon of the bench's own, with roots that are removed at each reset. */
function ourSide(work: string): Side {
  const program = resolve('bin/iechor');
  const env = {
    IECHOR_DATA_ROOT: join(work, 'data'),
    IECHOR_EXEC_ROOT: join(work, 'run'),
    IECHOR_HOST: '',
    DOCKER_HOST: '',
  };
  const run = (args: readonly string[]) => timeCommand([program, ...args], { env });
  const end = () => {
    run(['daemon', 'stop']);
    for (const root of ['data', 'run']) rmSync(join(work, root), { recursive: true, force: true });
  };
  const reset = () => {
    end();
    // The peer's daemon runs already, too.
    run(['info']);
  };
  return { name: 'iechor', run, reset, end };
}

function peerSide(peer: readonly string[]): Side {
  const run = (args: readonly string[]) => timeCommand([...peer, ...args], { env: { DOCKER_BUILDKIT: '0' } });
  return { name: peer.join(' '), run, reset: () => void run(['builder', 'prune', '-f']), end: () => {} };
}

function report(what: string, ours: readonly number[], theirs: readonly number[]): void {
  const ratio = (median(ours) / median(theirs)).toFixed(2);
  console.log(`${what}: ${spread(ours)} ms, peer ${spread(theirs)} ms, ratio ${ratio}`);
}
