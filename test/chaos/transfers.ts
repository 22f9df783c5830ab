import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, type PrivateEngine } from '../support/private-engine.ts';

/** An engine with images to bring in and out, and what its data root holds when nothing else is there. */
export interface Transfers {
  readonly engine: PrivateEngine;
  /** A registry that takes and gives everything. */
  readonly host: string;
  readonly random: () => number;
  /** Counts the pushes. */
  serial: number;
  /** How long each operation takes, undisturbed. */
  readonly usualMs: Map<Operation, number>;
  /** Digest of the archive of the image that is there all the time. */
  kept: string;
  /** Bytes by part of the data root, apart from what no image has to do with. */
  resting: Readonly<Record<string, number>>;
}

export interface TransferOutcome {
  readonly operation: Operation;
  readonly delayMs: number;
  /** Whether the command had ended well before the daemon was killed, or in spite of it. */
  readonly finished: boolean;
  /** What is not as it should be. */
  readonly wrong: readonly string[];
}

interface Plan {
  /** Makes what the operation needs; nothing that is killed. */
  readonly before?: (all: Transfers) => void;
  readonly command: (all: Transfers) => readonly string[];
  /** The image that is there when the command has ended well; undefined where it is one that is gone. */
  readonly result: (all: Transfers) => string | undefined;
  readonly gone?: string;
}

const source = (all: Transfers) => `${all.host}/source:1`;
/** A repository for each round, so that nothing is there yet. */
const pushed = ({ host, serial }: Transfers) => `${host}/pushed-${serial}:1`;
const archive = ({ engine }: Transfers) => join(engine.dir, 'source.tar');

const plans = {
  pull: { command: (all) => ['pull', '-q', source(all)], result: source },
  push: {
    before: (all) => {
      all.serial += 1;
      must(all, ['tag', 'keep:1', pushed(all)]);
    },
    command: (all) => ['push', '-q', pushed(all)],
    result: () => 'keep:1',
  },
  load: { command: (all) => ['load', '-q', '-i', archive(all)], result: source },
  commit: {
    before: (all) => void must(all, ['exec', 'writer', 'sh', '-c', 'dd if=/dev/urandom of=/data bs=1M count=12']),
    command: () => ['commit', 'writer', 'committed:1'],
    result: () => 'committed:1',
  },
  prune: {
    before: (all) => void must(all, ['load', '-q', '-i', archive(all)]),
    command: () => ['image', 'prune', '-a', '-f'],
    result: () => undefined,
    gone: 'source:1',
  },
} satisfies Readonly<Record<string, Plan>>;

export type Operation = keyof typeof plans;
export const transferOperations = Object.keys(plans) as Operation[];

function must({ engine }: Pick<Transfers, 'engine'>, args: readonly string[]): string {
  const { exit, stdout, stderr } = engine.iechor(args);
  if (exit !== 0) throw new Error(`iechor ${args.join(' ')}: ${exit} ${stderr}`);
  return stdout.trim();
}

/** Puts the images in place and measures. The engine has busybox already. */
export function prepareTransfers(
  engine: PrivateEngine,
  options: {
    readonly host: string;
    readonly random: () => number;
    readonly megabytes: number;
    readonly operations: readonly Operation[];
  },
): Transfers {
  const { host, random, megabytes, operations } = options;
  const all: Transfers = { engine, host, random, serial: 0, usualMs: new Map(), kept: '', resting: {} };
  buildImage(all, 'keep:1', megabytes);
  buildImage(all, source(all), megabytes);
  must(all, ['push', '-q', source(all)]);
  must(all, ['save', '-o', archive(all), source(all)]);
  must(all, ['run', '-d', '--name', 'writer', 'keep:1', 'sleep', '1000000']);
  must(all, ['builder', 'prune', '-a', '-f']);
  must(all, ['rmi', 'busybox']);
  for (const operation of new Set<Operation>(['push', ...operations])) {
    const plan: Plan = plans[operation];
    plan.before?.(all);
    const began = performance.now();
    must(all, plan.command(all));
    all.usualMs.set(operation, performance.now() - began);
    tidy(all);
  }
  // Only now: what was pushed keeps the archives that it went out with.
  all.kept = archiveDigest(all, 'keep:1') ?? '';
  all.resting = partsOf(all);
  return all;
}

/** Two layers with large files and two with many small ones, whose content no other image has. */
function buildImage(all: Transfers, name: string, megabytes: number): void {
  const dir = join(all.engine.dir, 'context');
  rmSync(dir, { recursive: true, force: true });
  for (const [layer, files] of [1, 300, 1, 300].entries()) {
    mkdirSync(join(dir, `layer${layer}`), { recursive: true });
    for (let file = 0; file < files; file++) {
      writeFileSync(join(dir, `layer${layer}`, String(file)), randomBytes(files === 1 ? megabytes * 1_000_000 : 900));
    }
  }
  const copies = [0, 1, 2, 3].map((layer) => `COPY layer${layer} /layer${layer}\n`);
  writeFileSync(join(dir, 'iEchorfile'), `FROM busybox\n${copies.join('')}`);
  must(all, ['build', '-q', '-t', name, dir]);
  rmSync(dir, { recursive: true });
}

/** One operation, the daemon killed in its middle, and what is wrong afterwards. */
export async function playTransfer(all: Transfers, operation: Operation): Promise<TransferOutcome> {
  const plan: Plan = plans[operation];
  plan.before?.(all);
  const command = plan.command(all);
  const delayMs = (0.25 + 0.85 * all.random()) * (all.usualMs.get(operation) ?? 0);
  const finished = await killedDuring(all, command, delayMs);
  const wrong: string[] = [];
  const result = plan.result(all);
  if (finished && result !== undefined && archiveDigest(all, result) === undefined)
    wrong.push(`${result} was complete`);
  if (archiveDigest(all, 'keep:1') !== all.kept) wrong.push('keep:1 is not what it was');
  const again = all.engine.iechor(command);
  if (again.exit !== 0) wrong.push(`again: ${again.stderr.trim()}`);
  if (result !== undefined) wrong.push(...unreadable(all, result));
  if (plan.gone && all.engine.iechor(['image', 'inspect', `${all.host}/${plan.gone}`]).exit === 0) {
    wrong.push(`${plan.gone} is still there`);
  }
  if (all.engine.iechor(['exec', 'writer', 'rm', '-f', '/data']).exit !== 0)
    wrong.push('the container does not answer');
  tidy(all);
  return { operation, delayMs, finished, wrong: [...wrong, ...leftBytes(all)] };
}

/** Begins a command and kills the daemon some milliseconds later, wherever it is then. True where the command ended well. */
async function killedDuring({ engine }: Transfers, args: readonly string[], delayMs: number): Promise<boolean> {
  const pid = engine.daemonPid();
  const transfer = engine.start(args);
  const ended = new Promise<number | null>((resolve) => transfer.once('exit', resolve));
  await pause(delayMs);
  if (pid) process.kill(pid, 'SIGKILL');
  const exit = await ended;
  await eventually('the daemon is gone', () => pid === undefined || !existsSync(`/proc/${pid}`));
  return exit === 0;
}

/** Digest of an image's archive, to its last byte; undefined where it cannot be had. */
function archiveDigest({ engine }: Transfers, name: string): string | undefined {
  const file = join(engine.dir, 'saved.tar');
  if (engine.iechor(['save', '-o', file, name]).exit !== 0) return undefined;
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
  rmSync(file);
  return digest;
}

/** Why an image cannot be read to its end; nothing where it can. */
function unreadable({ engine }: Transfers, name: string): string[] {
  const { exit, stderr } = engine.iechor(['save', '-o', join(engine.dir, 'saved.tar'), name]);
  return exit === 0 ? [] : [`${name}: ${stderr.trim()}`];
}

/** Removes all images but those that are there all the time, and what nothing refers to. */
function tidy(all: Transfers): void {
  const names = must(all, ['images', '--format', '{{.Repository}}:{{.Tag}}']).split('\n');
  const others = names.filter((name) => name !== '' && !name.includes('<none>') && name !== 'keep:1');
  if (others.length > 0) must(all, ['rmi', '-f', ...others]);
  must(all, ['image', 'prune', '-f']);
  must(all, ['exec', 'writer', 'rm', '-f', '/data']);
  must(all, ['system', 'gc']);
}

interface Usage {
  readonly parts: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly totalBytes: number;
}

const usageOf = (all: Transfers) => JSON.parse(must(all, ['system', 'gc', '--format', 'json'])) as Usage;

/** Images are in these; the state file grows and shrinks, and containers keep logs. */
const unrelated = ['engine state', 'containers'];
/** A directory with nothing in it. */
const directoryBytes = 4096;

function partsOf(all: Transfers): Record<string, number> {
  const { parts } = usageOf(all);
  const related = parts.filter(({ name }) => !unrelated.includes(name));
  return Object.fromEntries(related.map(({ name, sizeBytes }) => [name, sizeBytes === directoryBytes ? 0 : sizeBytes]));
}

/** Bytes that nothing accounts for. */
function leftBytes(all: Transfers): string[] {
  const wrong: string[] = [];
  const [now, then] = [partsOf(all), all.resting];
  for (const name of new Set([...Object.keys(now), ...Object.keys(then)])) {
    if ((now[name] ?? 0) !== (then[name] ?? 0))
      wrong.push(`${name}: ${now[name] ?? 0} bytes, and ${then[name] ?? 0} before`);
  }
  const { totalBytes } = usageOf(all);
  const data = join(all.engine.dir, 'data');
  const counted = Number(spawnSync('du', ['-sxB1', data], { encoding: 'utf8' }).stdout.split('\t')[0]);
  // The state's write-ahead log may grow between the two.
  if (Math.abs(counted - totalBytes) > 64 * 1024) wrong.push(`du counts ${counted}, system df ${totalBytes}`);
  return wrong;
}
