import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, type PrivateEngine, tracesOf } from '../support/private-engine.ts';
import { leftovers } from './inventory.ts';

/** An engine with a project to build, which changes from round to round. */
export interface Builds {
  readonly engine: PrivateEngine;
  readonly dir: string;
  readonly random: () => number;
  /** How long the build takes, undisturbed. */
  usualMs: number;
  serial: number;
}

export interface BuildOutcome {
  readonly delayMs: number;
  /** Steps with a layer that the build had reported as done or found. */
  readonly finished: number;
  readonly wrong: readonly string[];
}

const names = ['a', 'b', 'c'] as const;

/** Three stages side by side, of which each copies, runs, and keeps something in a cache mount; then one over all. */
function buildFile(): string {
  const stages = names.flatMap((name) => [
    `FROM common AS ${name}`,
    'COPY serial many /in/',
    `RUN for i in 1 2 3; do echo ${name}$i >> /${name}; usleep 60000; done; cat /in/serial >> /${name}`,
    `RUN --mount=type=cache,target=/cache,id=${name} echo line >> /cache/kept && cp -a /in /copy-${name}`,
    `RUN --mount=from=common,target=/mnt --mount=type=tmpfs,target=/t cat /mnt/common /${name} > /all-${name}`,
  ]);
  const copies = names.flatMap((name) => [`COPY --from=${name} /all-${name} /`, `COPY --from=${name} /copy-${name} /`]);
  const all = names.map((name) => `/all-${name}`).join(' ');
  const last = ['FROM busybox', 'WORKDIR /made/here', 'ADD packed.tar /packed/', ...copies, `RUN cat ${all} > /all`];
  return ['FROM busybox AS common', 'RUN echo common > /common', ...stages, ...last, ''].join('\n');
}

const expected = (serial: number): string =>
  names.map((name) => `common\n${name}1\n${name}2\n${name}3\n${serial}\n`).join('');

/** Makes the project, and takes the time of one build. The engine has busybox already. */
export function prepareBuilds(engine: PrivateEngine, random: () => number): Builds {
  const all: Builds = { engine, random, dir: join(engine.dir, 'project'), usualMs: 0, serial: 0 };
  mkdirSync(join(all.dir, 'many'), { recursive: true });
  for (let file = 0; file < 300; file++) writeFileSync(join(all.dir, 'many', `f${file}`), `${file}\n`);
  writeFileSync(join(all.dir, 'iEchorfile'), buildFile());
  // The first one starts the daemon.
  for (let round = 0; round < 2; round++) {
    change(all);
    const began = performance.now();
    const { exit, stderr } = engine.iechor(build(all));
    if (exit !== 0) throw new Error(`fails undisturbed: ${stderr}`);
    all.usualMs = performance.now() - began;
  }
  return all;
}

const build = ({ dir }: Builds): string[] => ['build', '--progress', 'rawjson', '-t', 'made', dir];

/** Every step but the first is to be done anew; the archive is unpacked to as many bytes as ever. */
function change(all: Builds): void {
  all.serial += 1;
  writeFileSync(join(all.dir, 'serial'), `${all.serial}\n`);
  const packed = all.engine.iechor(['save', '-o', join(all.dir, 'packed.tar'), 'busybox']);
  if (packed.exit !== 0) throw new Error(packed.stderr);
}

interface Step {
  readonly stage: string;
  readonly instruction: string;
  readonly status: string;
}

/** Steps that make layers and were finished, as `stage: instruction`, in what a build said. */
function finishedIn(output: string, statuses: readonly string[]): string[] {
  const steps = output.split('\n').flatMap((line): Step[] => {
    try {
      return [(JSON.parse(line) as { iechor?: Step }).iechor ?? []].flat();
    } catch {
      return []; // the line that was cut off
    }
  });
  return steps
    .filter(({ status, instruction }) => statuses.includes(status) && /^(?:RUN|COPY|ADD|WORKDIR)/.test(instruction))
    .map(({ stage, instruction }) => `${stage}: ${instruction}`);
}

/** One build, the daemon killed in its middle, and what is wrong afterwards. */
export async function playBuild(all: Builds): Promise<BuildOutcome> {
  const { engine } = all;
  change(all);
  const delayMs = all.random() * all.usualMs;
  const finished = finishedIn(await killedDuring(all, delayMs), ['done', 'cached']);
  const wrong: string[] = [];
  if (engine.iechor(['images', '-q']).exit !== 0) wrong.push('the engine does not start');
  wrong.push(...halfDone(engine));
  const again = engine.iechor(build(all));
  if (again.exit !== 0) wrong.push(`again: ${again.stderr.trim()}`);
  const cached = finishedIn(again.stdout + again.stderr, ['cached']);
  wrong.push(...finished.filter((step) => !cached.includes(step)).map((step) => `lost from the cache: ${step}`));
  wrong.push(...wrongFiles(all));
  const stopped = engine.iechor(['daemon', 'stop']);
  if (stopped.exit !== 0) wrong.push(`stop: ${stopped.stderr.trim()}`);
  return { delayMs, finished: finished.length, wrong: [...wrong, ...leftovers(engine)] };
}

/** Begins the build and kills the daemon some milliseconds after its first word; what the build had said. */
async function killedDuring(all: Builds, delayMs: number): Promise<string> {
  const { engine } = all;
  engine.iechor(['images', '-q']);
  const pid = engine.daemonPid() ?? 0;
  const running = engine.start(build(all));
  let output = '';
  const begun = new Promise<void>((resolve) => {
    for (const stream of [running.stdout, running.stderr])
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        resolve();
      });
  });
  const ended = new Promise((resolve) => running.once('close', resolve));
  await begun;
  await pause(delayMs);
  process.kill(pid, 'SIGKILL');
  await ended;
  await eventually('the daemon is gone', () => !statSync(`/proc/${pid}`, { throwIfNoEntry: false }));
  return output;
}

/** What is there of a build that nobody carries out any more, once the next daemon answers. */
function halfDone(engine: PrivateEngine): string[] {
  const daemon = engine.daemonPid();
  const traces = tracesOf(engine).filter((trace) => /build-|\/run\/build\/|usleep/.test(trace));
  const files = ['run/build', 'data/tmp/build', 'data/snapshots'].flatMap((place) => {
    const path = join(engine.dir, place);
    return statSync(path, { throwIfNoEntry: false }) ? readdirSync(path).map((name) => `file ${place}/${name}`) : [];
  });
  return [...traces.filter((trace) => !trace.startsWith(`process ${daemon} `)), ...files];
}

/** What the image should hold and does not. */
function wrongFiles(all: Builds): string[] {
  const look = 'cat /all; ls /made /copy-a /copy-b/f7 /packed/manifest.json; ls | wc -l';
  const { exit, stdout, stderr } = all.engine.iechor(['run', '--rm', 'made', 'sh', '-c', `cd / && ${look}`]);
  if (exit !== 0) return [`the image does not run: ${stderr.trim()}`];
  return stdout.startsWith(expected(all.serial)) ? [] : [`the image holds ${JSON.stringify(stdout.slice(0, 200))}`];
}
