import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { cpuOfCommand, median, spread, timeCommand } from './measure.ts';

interface Side {
  readonly name: string;
  readonly compose: readonly string[];
  readonly times: Map<string, number[]>;
}

export interface ComposeBench {
  readonly services: readonly number[];
  readonly rounds: number;
  readonly peer: string;
  readonly image: string;
  /** Megabytes of output that `logs` shows; 0: not measured. */
  readonly logMegabytes: number;
  /** Processor time of the commands in place of what a clock says. */
  readonly cpu?: boolean;
}

/** A project's life against a peer, interleaved: first `up`, one with nothing to do, one change, `ps` and `down`. */
export function compose(options: ComposeBench): void {
  const sizes = options.services.map((services) => ({
    services,
    ours: measure(`${services} services`, options, (dir) => project(services, options.image, dir)),
  }));
  costs(sizes);
  if (options.logMegabytes > 0) measure(`${options.logMegabytes} MB of logs`, options, (dir) => logs(options, dir));
}

type Act = (run: (name: string, ...args: readonly string[]) => void, round: number) => void;

function measure(
  title: string,
  { rounds, peer, cpu = false }: ComposeBench,
  prepare: (dir: string) => Act,
): ReadonlyMap<string, readonly number[]> {
  const cost = cpu ? cpuOfCommand : timeCommand;
  const sides: Side[] = [
    { name: 'iechor', compose: [resolve('bin/iechor'), 'compose'], times: new Map() },
    { name: peer, compose: peer.split(' '), times: new Map() },
  ];
  const dir = mkdtempSync(join(tmpdir(), 'iechor-bench-'));
  try {
    const act = prepare(dir);
    // The first round warms caches up and does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
        act((name, ...args) => {
          const took = cost([...side.compose, '-f', join(dir, 'compose.yaml'), ...args], {
            cwd: dir,
            env: { CHANGE: args.includes('up') && name === 'change one' ? 'after' : 'before' },
          });
          if (round > 0) side.times.set(name, [...(side.times.get(name) ?? []), took]);
        }, round);
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  report(title, sides);
  return sides[0]?.times ?? new Map();
}

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
    command: ["sh", "-c", "yes ${line} | head -n ${logMegabytes * 10_000}"]
`;
  writeFileSync(join(dir, 'compose.yaml'), text);
  return (run) => {
    run('(prepare)', 'up', '-d', '--quiet-pull');
    run('(wait)', 'wait', 'loud');
    run('logs', 'logs', '--no-color');
    run('(clean)', 'down');
  };
}

function report(title: string, [ours, peer]: readonly Side[]): void {
  if (!ours || !peer) return;
  console.log(`${title}   (milliseconds: iechor, ${peer.name}, ratio)`);
  for (const [name, own] of ours.times) {
    if (name.startsWith('(')) continue;
    const other = peer.times.get(name) ?? [];
    console.log(
      `  ${name.padEnd(11)} ${spread(own).padEnd(20)} ${spread(other).padEnd(20)} ${(median(own) / median(other)).toFixed(2)}x`,
    );
  }
}
