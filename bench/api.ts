import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { connect } from '../src/api/client.ts';
import type { EngineApi } from '../src/api/engine-api.ts';
import { createPrivateEngine, importBusybox } from '../test/support/private-engine.ts';
import { median, spread, timeCommand } from './measure.ts';

interface Side {
  readonly name: string;
  readonly engine: EngineApi;
  readonly cli: readonly string[];
  readonly env: Record<string, string>;
  /** MiB that the engine itself holds. */
  memory(): number;
  readonly times: Map<string, number[]>;
}

export interface ApiBench {
  readonly rounds: number;
  /** Socket of a Docker Engine with busybox, and the command that is its client. */
  readonly socket: string;
  readonly peer: string;
  readonly containers: number;
  readonly logMegabytes: number;
  readonly followers: number;
}

const image = 'busybox:latest';

/** The engine's API and the command lines against a Docker Engine, interleaved. */
export async function api(options: ApiBench): Promise<void> {
  const own = createPrivateEngine();
  try {
    importBusybox(own);
    const ours = connect({ socketPath: own.socketPath });
    const theirs = connect({ socketPath: options.socket });
    const env = { IECHOR_HOST: `unix://${own.socketPath}` };
    const sides: Side[] = [
      ...[
        {
          name: 'iechor',
          engine: ours,
          cli: [resolve('bin/iechor')],
          env,
          memory: () => residentOf(own.daemonPid() ?? 0),
          times: new Map(),
        },
      ],
      {
        ...{ name: 'docker', engine: theirs, cli: options.peer.split(' '), env: {}, times: new Map() },
        memory: () => memoryOf(['dockerd', 'containerd']),
      },
    ];
    for (let round = 0; round <= options.rounds; round += 1) {
      for (const side of round % 2 === 0 ? sides : [...sides].reverse()) await lives(side, round);
    }
    for (const side of sides) await crowd(side, options);
    for (const side of sides) await output(side, options);
    report(sides);
    ours.close();
    theirs.close();
  } finally {
    own.dispose();
  }
}

async function timed(side: Side, name: string, act: () => unknown, counts = true): Promise<void> {
  const start = process.hrtime.bigint();
  await act();
  const took = Number(process.hrtime.bigint() - start) / 1e6;
  if (counts) note(side, name, took);
}

const note = (side: Side, name: string, value: number) =>
  side.times.set(name, [...(side.times.get(name) ?? []), value]);

/** One container's life; the first round warms caches up and does not count. */
async function lives(side: Side, round: number): Promise<void> {
  const { engine } = side;
  const counts = round > 0;
  await timed(
    side,
    'create, start, wait, rm by the API',
    async () => {
      const { Id: id } = await engine.containerCreate({ body: { Image: image, Cmd: ['true'] } });
      const ended = engine.containerWait({ id, condition: 'next-exit' });
      await engine.containerStart({ id });
      await ended;
      await engine.containerRemove({ id });
    },
    counts,
  );
  const cli = (...args: readonly string[]) => timeCommand([...side.cli, ...args], { env: side.env });
  await timed(side, 'run --rm true', () => cli('run', '--rm', image, 'true'), counts);
  const { Id: id } = await engine.containerCreate({ body: { Image: image, Cmd: ['sleep', '600'] } });
  await engine.containerStart({ id });
  await timed(side, 'exec true', () => cli('exec', id, 'true'), counts);
  await engine.containerRemove({ id, force: true });
}

/** What idling costs, first with nothing and then with many containers, and how long a list of them takes. */
async function crowd(side: Side, { containers, rounds }: ApiBench): Promise<void> {
  const { engine } = side;
  const monitors = () => memoryOf([side.name === 'iechor' ? 'conmon' : 'containerd-shim']);
  note(side, 'idle RSS [MiB]', side.memory());
  const before = side.memory() + monitors();
  const ids: string[] = [];
  for (let index = 0; index < containers; index += 1) {
    const body = { Image: image, Cmd: ['sleep', '600'], HostConfig: { NetworkMode: 'none' } };
    const { Id: id } = await engine.containerCreate({ body });
    await engine.containerStart({ id });
    ids.push(id);
  }
  const added = side.memory() + monitors() - before;
  note(side, 'RSS per running container [KiB]', (added * 1024) / Math.max(1, containers));
  for (let round = 0; round < rounds; round += 1) {
    await timed(side, `ps with ${containers}`, () => engine.containerList({ all: true }));
  }
  await Promise.all(ids.map((id) => engine.containerRemove({ id, force: true })));
}

async function output(side: Side, { logMegabytes, followers }: ApiBench): Promise<void> {
  const { engine } = side;
  const line = 'x'.repeat(99);
  const Cmd = ['sh', '-c', `yes ${line} | head -n ${logMegabytes * 10_000}`];
  const { Id: id } = await engine.containerCreate({
    body: { Image: image, Cmd, HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '10g' } } } },
  });
  const session = await engine.containerAttach({ id, stream: true, stdout: true });
  await timed(side, `attach, ${logMegabytes} MB`, async () => {
    await engine.containerStart({ id });
    for await (const _ of session.output);
  });
  await engine.containerWait({ id });
  await timed(side, `logs, ${logMegabytes} MB`, async () => {
    for await (const _ of engine.containerLogs({ id, stdout: true }));
  });
  await engine.containerRemove({ id });
  await timed(side, `${followers} followers of a log`, () => follow(engine, followers));
  note(side, `RSS after ${followers} followers [MiB]`, side.memory());
}

async function follow(engine: EngineApi, followers: number): Promise<void> {
  const Cmd = ['sh', '-c', 'sleep 1; seq 1000'];
  const { Id: id } = await engine.containerCreate({ body: { Image: image, Cmd } });
  await engine.containerStart({ id });
  const read = async () => {
    let bytes = 0;
    for await (const { data } of engine.containerLogs({ id, stdout: true, follow: true })) bytes += data.length;
    return bytes;
  };
  const sizes = await Promise.all(Array.from({ length: followers }, read));
  if (new Set(sizes).size !== 1) throw new Error('not every follower has seen all');
  await engine.containerRemove({ id });
}

/** Resident memory of a process, in MiB; 0 for one that is gone. */
function residentOf(pid: number | string): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Resident memory of all processes whose command line names one of the programs, in MiB. */
function memoryOf(programs: readonly string[]): number {
  let sum = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      const names = [program, ...args.slice(0, 3)].map((part) => part.split('/').at(-1) ?? '');
      if (!names.some((name) => programs.some((one) => name === one || name.startsWith(`${one}-`)))) continue;
      sum += residentOf(pid);
    } catch {
      // Gone meanwhile.
    }
  }
  return sum;
}

function report(sides: readonly Side[]): void {
  const [ours, theirs] = sides;
  for (const [name, times] of ours?.times ?? []) {
    const other = theirs?.times.get(name) ?? [];
    const ratio = median(times) / median(other);
    console.log(`${name.padEnd(36)} ${spread(times).padStart(18)} ${spread(other).padStart(18)}   ${ratio.toFixed(2)}`);
  }
}
