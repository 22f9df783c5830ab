import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PrivateEngine, Ran } from '../support/private-engine.ts';
import { killAll, type Mode, targetsOf } from './faults.ts';
import { leftovers, logSince, logSize } from './inventory.ts';
import { changeBuild } from './project.ts';

/** Commands a round interrupts; `fresh` ones begin without an engine and without containers. */
export const operations: Readonly<Record<string, { readonly args: readonly string[]; readonly fresh?: boolean }>> = {
  up: { args: ['up', '-d', '--build'], fresh: true },
  'up again': { args: ['up', '-d', '--force-recreate'] },
  scale: { args: ['scale', 'backend=3'] },
  restart: { args: ['restart', '-t', '1'] },
  run: { args: ['run', '--rm', '-T', 'backend', 'sh', '-c', 'usleep 100000; echo done'] },
  build: { args: ['build', '--no-cache'] },
  stop: { args: ['stop', '-t', '1'] },
  down: { args: ['down'] },
};
/** Operations that must not touch the containers that run. */
const bystanders = new Set(['run', 'build', 'scale']);

export interface Chaos {
  readonly engine: PrivateEngine;
  readonly dir: string;
  readonly ports: readonly [number, number];
  /** Uniform in [0, 1). */
  random(): number;
  /** Milliseconds of undisturbed runs, by operation. */
  readonly medians: Map<string, number>;
  /** What earlier rounds left: counted once. */
  readonly known: Set<string>;
  /** Names of the operations to choose from. */
  readonly allowed: readonly string[];
  serial: number;
}

export interface Outcome {
  readonly operation: string;
  readonly delayMs: number;
  readonly killed: number;
  /** Why the round counts as stuck, unclean, as a state error, or as one that lost containers. */
  readonly stuck: readonly string[];
  readonly unclean: readonly string[];
  readonly state: readonly string[];
  readonly lost: readonly string[];
  readonly logged: readonly string[];
}

const limitMs = 60_000;
const settleMs = 5_000;

/** One command from its start to its end; killed, and reported as such, when it takes more than a minute. */
function ended(child: ChildProcess): Promise<Ran> {
  const text = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => (text.stdout += String(chunk)));
  child.stderr?.on('data', (chunk) => (text.stderr += String(chunk)));
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      text.stderr += `\nSTUCK: no end within ${limitMs} ms`;
      killGroup(child);
    }, limitMs);
    child.on('close', (exit) => {
      clearTimeout(timer);
      resolve({ exit: exit ?? 128, ...text });
    });
  });
}

function killGroup(child: ChildProcess): number {
  return child.pid === undefined || child.exitCode !== null ? 0 : killAll([-child.pid]);
}

function start(chaos: Chaos, args: readonly string[]): ChildProcess {
  const { engine, dir } = chaos;
  return spawn(engine.program, [...args], {
    cwd: dir,
    env: engine.environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const iechor = (chaos: Chaos, ...args: string[]): Promise<Ran> => ended(start(chaos, args));
const compose = (chaos: Chaos, ...args: string[]): Promise<Ran> => iechor(chaos, 'compose', ...args);

/** An undisturbed run of an operation, whose time is remembered. */
export async function calibrate(chaos: Chaos): Promise<void> {
  for (const [name, { args, fresh }] of Object.entries(operations)) {
    await prepare(chaos, fresh ?? false);
    const begun = performance.now();
    const ran = await compose(chaos, ...args);
    if (ran.exit !== 0) throw new Error(`${name} fails undisturbed: ${ran.stderr}`);
    chaos.medians.set(name, performance.now() - begun);
  }
  await compose(chaos, 'down', '-v');
  await iechor(chaos, 'daemon', 'stop');
  const left = await settled(chaos);
  if (left.length > 0) throw new Error(`not clean undisturbed:\n${left.join('\n')}`);
}

async function prepare(chaos: Chaos, fresh: boolean): Promise<void> {
  chaos.serial += 1;
  changeBuild(chaos.dir, `${process.pid}-${chaos.serial}`);
  const ran = fresh ? await compose(chaos, 'down', '-v') : await compose(chaos, 'up', '-d');
  if (ran.exit !== 0) throw new Error(`cannot prepare: ${ran.stderr}`);
  if (fresh && chaos.random() < 0.5) await iechor(chaos, 'daemon', 'stop');
}

/** One round: an operation, the kill, then everything must work and go away. */
export async function playRound(chaos: Chaos, mode: Mode): Promise<Outcome> {
  const { engine, random } = chaos;
  const names = chaos.allowed;
  const operation = names[Math.floor(random() * names.length)] ?? 'up';
  const { args, fresh } = operations[operation] ?? { args: [] };
  const stuck: string[] = [];
  const state: string[] = [];
  const judge = (what: string, ran: Ran): void => {
    if (ran.exit === 0 && !ran.stderr.includes('STUCK')) return;
    const entry = `${what}: exit ${ran.exit} ${ran.stderr.trim().split('\n').slice(-4).join(' | ')}`;
    (/STATE_|DAEMON_|before it was ready/.test(ran.stderr) ? state : stuck).push(entry);
  };
  const logStart = logSize(engine);
  await prepare(chaos, fresh ?? false);
  const before = bystanders.has(operation) ? await running(chaos) : new Map<string, string>();
  const delayMs = random() * 1.5 * (chaos.medians.get(operation) ?? 1000);
  const child = start(chaos, ['compose', ...args]);
  const finished = ended(child);
  await delay(delayMs);
  const killed = await strike(chaos, mode, child);
  const ran = await finished;
  if (ran.stderr.includes('STUCK')) stuck.push(`${operation}: ${ran.stderr.trim()}`);
  const after = before.size > 0 ? await running(chaos) : before;
  const spared = mode === 'conmon' || mode === 'init' || mode === 'all';
  const lost = spared ? [] : [...before].filter(([id, pid]) => after.get(id) !== pid).map(([id]) => `container ${id}`);
  judge('up', await compose(chaos, 'up', '-d'));
  await serves(chaos, stuck);
  if (stuck.length > 0) stuck.push(...(await circumstances(chaos, ran)));
  judge('down', await compose(chaos, 'down', '-v'));
  const rest = await iechor(chaos, 'ps', '-aq');
  if (rest.stdout !== '') stuck.push(`containers after down: ${rest.stdout.trim().split('\n').join(' ')}`);
  judge('daemon stop', await iechor(chaos, 'daemon', 'stop'));
  const unclean = await settled(chaos);
  for (const line of unclean) chaos.known.add(line);
  const bad = stuck.length + unclean.length + state.length + lost.length > 0;
  const logged = logSince(engine, logStart, bad);
  return { operation, delayMs, killed, stuck, unclean, state, lost, logged };
}

async function strike(chaos: Chaos, mode: Mode, child: ChildProcess): Promise<number> {
  if (mode === 'cli') return killGroup(child);
  const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(chaos.random() * of.length)];
  // A runtime lives for milliseconds: the next one counts.
  for (;;) {
    const targets = targetsOf(mode, join(chaos.engine.dir, 'run'), pick);
    if (targets.length > 0) return killAll(targets);
    if (mode !== 'runtime' || child.exitCode !== null || child.signalCode !== null) return 0;
    await delay(1);
  }
}

/** Id to pid of what runs. */
async function running(chaos: Chaos): Promise<Map<string, string>> {
  const ids = (await iechor(chaos, 'ps', '-q', '--no-trunc')).stdout.split('\n').filter(Boolean);
  if (ids.length === 0) return new Map();
  const { stdout } = await iechor(chaos, 'inspect', '-f', '{{.Id}} {{.State.Pid}}', ...ids);
  return new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
}

/** After up: all run, both ports answer, names resolve. */
async function serves(chaos: Chaos, stuck: string[]): Promise<void> {
  const services = (await compose(chaos, 'ps', '--format', '{{.Service}}')).stdout.split('\n').filter(Boolean);
  const missing = ['web', 'backend', 'database', 'chatty'].filter((name) => !services.includes(name));
  if (missing.length > 0) stuck.push(`not running after up: ${missing.join(' ')}`);
  for (const port of chaos.ports) {
    if (!(await answers(port))) stuck.push(`port ${port} does not answer after up`);
  }
  const named = await compose(chaos, 'exec', '-T', 'web', 'timeout', '5', 'wget', '-qO-', 'http://backend:9000/ready');
  if (named.stdout !== 'ready\n') stuck.push(`no answer by name after up: ${named.stderr.trim()}`);
}

/** What helps to understand a round that went wrong. */
async function circumstances(chaos: Chaos, ran: Ran): Promise<readonly string[]> {
  const listed = await iechor(chaos, 'ps', '-a', '--format', '{{.Names}} {{.Status}}');
  return [`the operation: exit ${ran.exit} ${ran.stderr.trim()}`, ...listed.stdout.trim().split('\n')];
}

/** Within three seconds: a program is started before it listens. */
async function answers(port: number): Promise<boolean> {
  for (const deadline = Date.now() + 3000; Date.now() < deadline; await delay(50)) {
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(2000),
    }).catch(() => undefined);
    await response?.arrayBuffer();
    if (response) return true;
  }
  return false;
}

/** What is left when nothing changes any more, or after five seconds. */
async function settled(chaos: Chaos): Promise<readonly string[]> {
  for (const deadline = Date.now() + settleMs; ; await delay(100)) {
    const left = leftovers(chaos.engine).filter((line) => !chaos.known.has(line));
    if (left.length === 0 || Date.now() > deadline) return left;
  }
}
