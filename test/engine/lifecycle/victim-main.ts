import { createTestRoot, start } from './support.ts';

/** A daemon to be killed: starts one container in the given root, tells its id, and goes on. */
const root = createTestRoot(process.argv[2]);
const { engine } = await root.open();
const script = 'echo before; trap "echo after; exit 9" TERM; while :; do sleep 0.05; done';
const id = await start(engine, {
  Cmd: ['sh', '-c', script],
  Healthcheck: { Test: ['CMD', 'true'], Interval: 100_000_000 },
});
process.stdout.write(`${id}\n`);
setInterval(() => {}, 1000);
