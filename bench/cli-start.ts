import { resolve } from 'node:path';
import { median, spread, timeCommand } from './measure.ts';

/** `iechor version --short` against a Node that does nothing, interleaved. */
export function cliStart(rounds: number): void {
  const ours: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floor.push(timeCommand([process.execPath, '-e', '0']));
    ours.push(timeCommand([resolve('bin/iechor'), 'version', '--short']));
  }
  console.log(`node -e 0        ${spread(floor)} ms`);
  console.log(`iechor version   ${spread(ours)} ms   ${(median(ours) / median(floor)).toFixed(2)}x`);
}
