import { createTestRoot, start } from './support.ts';

/** A daemon to be killed in the middle of its work: it starts, stops and removes containers without an end. */
const root = createTestRoot(process.argv[2]);
const { engine } = await root.open();
const work = async () => {
  for (let turn = 0; ; turn++) {
    const id = await start(engine, { Cmd: ['sleep', '1000'], Volumes: { '/v': {} } });
    if (turn % 2 === 0) await engine.containerStop({ id, t: 0 });
    if (turn % 4 !== 3) await engine.containerRemove({ id, force: true, v: true });
  }
};
process.stdout.write('working\n');
await Promise.all([work(), work(), work()]);
