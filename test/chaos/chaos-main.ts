/** `npm run chaos -- [--rounds N] [--seed S] [--mode M,...] [--operation O,...] [--verbose]`: see README.md. */
import { parseArgs } from 'node:util';
import { createPrivateEngine, importBusybox, tracesOf } from '../support/private-engine.ts';
import { freePort } from '../support/free-port.ts';
import { generator } from './random.ts';
import { type Mode, modes } from './faults.ts';
import { writeChaosProject } from './project.ts';
import { type Chaos, calibrate, type Outcome, operations, playRound } from './round.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    mode: { type: 'string', default: modes.join(',') },
    operation: { type: 'string', default: Object.keys(operations).join(',') },
    verbose: { type: 'boolean', default: false },
  },
});

const kinds = ['unclean', 'stuck', 'state', 'lost'] as const;

function report(round: number, mode: Mode, outcome: Outcome): void {
  const bad = kinds.filter((kind) => outcome[kind].length > 0);
  const verdict = bad.length === 0 ? 'ok' : bad.join(' ');
  console.log(
    `${mode} ${round}: ${outcome.operation}, ${outcome.killed} killed after ${Math.round(outcome.delayMs)} ms: ${verdict}`,
  );
  for (const kind of bad) for (const line of outcome[kind]) console.log(`    ${kind}: ${line}`);
  if (values.verbose || bad.length > 0) for (const line of outcome.logged) console.log(`    log: ${line}`);
}

async function playMode(chaos: Chaos, mode: Mode): Promise<boolean> {
  const counts = { unclean: 0, stuck: 0, state: 0, lost: 0, 'found nothing to kill': 0 };
  for (let round = 1; round <= Number(values.rounds); round++) {
    const outcome = await playRound(chaos, mode);
    report(round, mode, outcome);
    for (const kind of kinds) if (outcome[kind].length > 0) counts[kind] += 1;
    if (outcome.killed === 0) counts['found nothing to kill'] += 1;
  }
  const text = Object.entries(counts).map(([kind, count]) => `${kind} ${count}`);
  console.log(`== ${mode}: ${values.rounds} rounds, ${text.join(', ')} (seed ${values.seed})`);
  return kinds.every((kind) => counts[kind] === 0);
}

const chosen = values.mode.split(',').map((name) => {
  const mode = modes.find((known) => known === name);
  if (mode) return mode;
  throw new Error(`unknown mode ${name}: ${modes.join(', ')}`);
});
const allowed = values.operation.split(',');
const engine = createPrivateEngine();
try {
  importBusybox(engine);
  const ports = [await freePort(), await freePort()] as const;
  const dir = writeChaosProject(engine, ports);
  const random = generator(Number(values.seed));
  const chaos: Chaos = { engine, dir, ports, random, medians: new Map(), known: new Set(), serial: 0, allowed };
  await calibrate(chaos);
  for (const mode of chosen) if (!(await playMode(chaos, mode))) process.exitCode = 1;
} finally {
  engine.dispose();
  const left = tracesOf(engine);
  if (left.length > 0) console.log(`left on this machine:\n${left.join('\n')}`);
}
