import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { cpuOfCommand, median, spread, timeCommand } from './measure.ts';

interface Side {
  readonly name: string;
  readonly compose: readonly string[];
  readonly times: Map<string, number[]>;
  /** A peer that could not go through with it: it is left out from then on. */
  failed?: boolean;
}

export interface ComposeBench {
  readonly services: readonly number[];
  readonly rounds: number;
  /** Commands that take Docker Compose's arguments. */
  readonly peers: readonly string[];
  readonly image: string;
  /** Megabytes of output that `logs` shows; 0: not measured. */
  readonly logMegabytes: number;
  /** Processor time of the commands in place of what a clock says. */
  readonly cpu?: boolean;
}

/** A project's life against peers, interleaved: first `up`, one with nothing to do, one change, `ps` and `down`. */
export function compose(options: ComposeBench): void {
  const sizes = options.services.map((services) => ({
    services,
    ours: measure(`${services} services`, options, (dir) => project(services, options.image, dir)),
  }));
  costs(sizes);
  if (options.logMegabytes > 0) measure(`${options.logMegabytes} MB of logs`, options, (dir) => logs(options, dir));
}

type Run = (name: string, ...args: readonly string[]) => void;
type Act = (run: Run, round: number) => void;

function measure(
  title: string,
  { rounds, peers, cpu = false }: ComposeBench,
  prepare: (dir: string) => Act,
): ReadonlyMap<string, readonly number[]> {
  const cost = cpu ? cpuOfCommand : timeCommand;
  const ours: Side = { name: 'iechor', compose: [resolve('bin/iechor'), 'compose'], times: new Map() };
  const others = peers.map((name): Side => ({ name, compose: name.split(' '), times: new Map() }));
  const dir = mkdtempSync(join(tmpdir(), 'iechor-bench-'));
  const command = ({ compose: words }: Side, args: readonly string[]) => [
    ...words,
    '-f',
    join(dir, 'compose.yaml'),
    ...args,
  ];
  try {
    const act = prepare(dir);
    // The first round warms caches up and does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const side of turned([ours, ...others], round)) {
        if (side.failed) continue;
        const run: Run = (name, ...args) => {
          const env = { CHANGE: name === 'change one' ? 'after' : 'before' };
          const took = cost(command(side, args), { cwd: dir, env });
          if (round > 0) side.times.set(name, [...(side.times.get(name) ?? []), took]);
        };
        try {
          act(run, round);
        } catch (error) {
          spawnSync(command(side, [])[0] ?? '', command(side, ['down']).slice(1), { cwd: dir });
          if (side === ours) throw error;
          side.failed = true;
          console.log(`${side.name} is left out of ${title}: ${String(error).slice(0, 500)}`);
        }
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  report(title, ours, others);
  return ours.times;
}

/** Each side is first as often as any other. */
const turned = <T>(sides: readonly T[], round: number): T[] =>
  sides.map((_, at) => sides[(at + round) % sides.length] as T);

/** What one more service costs, from each size to the next: flat where nothing grows with the square. */
function costs(sizes: readonly { services: number; ours: ReadonlyMap<string, readonly number[]> }[]): void {
  for (const [at, { services, ours }] of sizes.entries()) {
    const before = sizes[at - 1];
    if (!before) continue;
    const each = [...ours].map(([name, own]) => {
      const grown = median(own) - median(before.ours.get(name) ?? []);
      return `${name} ${(grown / (services - before.services)).toFixed(1)}`;
    });
    console.log(`milliseconds a service, from ${before.services} to ${services}: ${each.join(', ')}`);
  }
}

function project(services: number, image: string, dir: string): Act {
  const lines = ['name: iechor-bench', 'services:'];
  for (let index = 1; index <= services; index++) {
    lines.push(
      `  s${index}:`,
      `    image: ${image}`,
      '    command: ["sleep", "3600"]',
      '    init: false',
      '    stop_grace_period: 0s',
      ...(index === 1 ? ['    environment: {CHANGE: "${CHANGE}"}'] : []),
    );
  }
  writeFileSync(join(dir, 'compose.yaml'), `${lines.join('\n')}\n`);
  return (run) => {
    run('up', 'up', '-d');
    run('up again', 'up', '-d');
    run('change one', 'up', '-d');
    run('ps', 'ps');
    run('down', 'down');
  };
}

function logs({ image, logMegabytes }: ComposeBench, dir: string): Act {
  const line = 'x'.repeat(99);
  const text = `name: iechor-bench-logs
services:
  loud:
    image: ${image}
    command: ["sh", "-c", "yes ${line} | head -n ${logMegabytes * 10_000}; touch /written; exec sleep 3600"]
    stop_grace_period: 0s
`;
  writeFileSync(join(dir, 'compose.yaml'), text);
  return (run) => {
    run('(prepare)', 'up', '-d');
    run('(wait)', 'exec', '-T', 'loud', 'sh', '-c', 'until test -e /written; do sleep 0.2; done');
    run('logs', 'logs', '--no-color');
    run('(clean)', 'down');
  };
}

function report(title: string, ours: Side, others: readonly Side[]): void {
  const peers = others.map(({ name }) => `${name}, ratio`).join('; ');
  console.log(`${title}   (milliseconds: iechor; ${peers})`);
  for (const [name, own] of ours.times) {
    if (name.startsWith('(')) continue;
    const columns = others.map(({ times }) => {
      const other = times.get(name);
      return other ? `${spread(other).padEnd(20)} ${(median(own) / median(other)).toFixed(2)}x` : '-'.padEnd(26);
    });
    console.log(`  ${name.padEnd(11)} ${spread(own).padEnd(20)} ${columns.join('   ')}`);
  }
}
