/** `npm run chaos:builds -- [--rounds N] [--seed S]`: see README.md. */
import { parseArgs } from 'node:util';
import { createPrivateEngine, importBusybox, tracesOf } from '../support/private-engine.ts';
import { playBuild, prepareBuilds } from './builds.ts';
import { generator } from './random.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const engine = createPrivateEngine();
try {
  importBusybox(engine);
  const all = prepareBuilds(engine, generator(Number(values.seed)));
  let bad = 0;
  for (let round = 1; round <= Number(values.rounds); round++) {
    const { delayMs, finished, wrong } = await playBuild(all);
    const verdict = wrong.length === 0 ? 'ok' : `\n    ${wrong.join('\n    ')}`;
    console.log(`build ${round}: killed after ${Math.round(delayMs)} ms, ${finished} steps finished: ${verdict}`);
    if (wrong.length > 0) bad += 1;
  }
  console.log(
    `== ${values.rounds} rounds, ${bad} wrong (seed ${values.seed}; undisturbed ${Math.round(all.usualMs)} ms)`,
  );
  if (bad > 0) process.exitCode = 1;
} finally {
  engine.dispose();
  const left = tracesOf(engine);
  if (left.length > 0) console.log(`left on this machine:\n${left.join('\n')}`);
}
