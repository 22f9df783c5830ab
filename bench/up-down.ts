import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { median, spread, timeCommand } from './measure.ts';

interface Side {
  readonly name: string;
  readonly compose: readonly string[];
  readonly up: number[];
  readonly down: number[];
}

/** `up -d` and `down` of generated projects against a peer, interleaved. */
export function upDown(options: { services: readonly number[]; rounds: number; peer: string; image: string }): void {
  for (const services of options.services) {
    const sides: Side[] = [
      { name: 'iechor', compose: [resolve('bin/iechor'), 'compose'], up: [], down: [] },
      { name: options.peer, compose: options.peer.split(' '), up: [], down: [] },
    ];
    const dir = mkdtempSync(join(tmpdir(), 'iechor-bench-'));
    try {
      writeFileSync(join(dir, 'compose.yaml'), project(services, options.image));
      for (let round = 0; round <= options.rounds; round++) {
        for (const side of round % 2 === 0 ? sides : [...sides].reverse()) runRound(side, dir, round > 0);
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
    report(services, sides);
  }
}

/** The first round warms caches up and does not count. */
function runRound(side: Side, dir: string, counts: boolean): void {
  const file = ['-f', join(dir, 'compose.yaml')];
  const up = timeCommand([...side.compose, ...file, 'up', '-d'], { cwd: dir });
  const down = timeCommand([...side.compose, ...file, 'down'], { cwd: dir });
  if (!counts) return;
  side.up.push(up);
  side.down.push(down);
}

function project(services: number, image: string): string {
  const lines = ['name: iechor-bench', 'services:'];
  for (let index = 1; index <= services; index++) {
    lines.push(
      `  s${index}:`,
      `    image: ${image}`,
      '    command: ["sleep", "3600"]',
      '    init: false',
      '    stop_grace_period: 0s',
    );
  }
  return `${lines.join('\n')}\n`;
}

function report(services: number, sides: readonly Side[]): void {
  const [ours, peer] = sides;
  for (const side of sides)
    console.log(
      `${String(services).padStart(4)} services  ${side.name.padEnd(22)} up ${spread(side.up)} ms   down ${spread(side.down)} ms`,
    );
  if (!ours || !peer) return;
  console.log(
    `${''.padStart(14)} ratio                  up ${(median(ours.up) / median(peer.up)).toFixed(2)}x   down ${(median(ours.down) / median(peer.down)).toFixed(2)}x`,
  );
}
