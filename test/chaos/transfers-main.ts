/** `npm run chaos:transfers -- [--rounds N] [--seed S] [--operation O,...] [--megabytes M]`: see README.md. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { createPrivateEngine, importBusybox, tracesOf } from '../support/private-engine.ts';
import { generator } from './random.ts';
import { type Operation, playTransfer, prepareTransfers, type Transfers, transferOperations } from './transfers.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    operation: { type: 'string', default: transferOperations.join(',') },
    megabytes: { type: 'string', default: '8' },
  },
});

async function playOperation(all: Transfers, operation: Operation): Promise<void> {
  const counts = { wrong: 0, finished: 0 };
  for (let round = 1; round <= Number(values.rounds); round++) {
    const { delayMs, finished, wrong } = await playTransfer(all, operation);
    const verdict = wrong.length === 0 ? 'ok' : `\n    ${wrong.join('\n    ')}`;
    const state = finished ? ', finished' : '';
    console.log(`${operation} ${round}: killed after ${Math.round(delayMs)} ms${state}: ${verdict}`);
    if (wrong.length > 0) counts.wrong += 1;
    if (finished) counts.finished += 1;
  }
  console.log(
    `== ${operation}: ${values.rounds} rounds, ${counts.finished} had finished, ${counts.wrong} wrong (seed ${values.seed})`,
  );
  if (counts.wrong > 0) process.exitCode = 1;
}

const chosen = values.operation.split(',').map((name) => {
  const operation = transferOperations.find((known) => known === name);
  if (operation) return operation;
  throw new Error(`unknown operation ${name}: ${transferOperations.join(', ')}`);
});
const engine = createPrivateEngine();
const registry = await startDockerRegistry(join(engine.dir, 'registry'));
try {
  importBusybox(engine);
  const options = {
    host: registry.host,
    random: generator(Number(values.seed)),
    megabytes: Number(values.megabytes),
    operations: chosen,
  };
  const all = prepareTransfers(engine, options);
  for (const operation of chosen) await playOperation(all, operation);
} finally {
  await registry.stop();
  engine.dispose();
  const left = tracesOf(engine);
  if (left.length > 0) console.log(`left on this machine:\n${left.join('\n')}`);
}
