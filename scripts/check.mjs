// Format, lint, types and import layers; everything is run, then everything that failed is named.
import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';

const bin = (name) => join('node_modules', '.bin', name);
const steps = [
  ['format', bin('biome'), ['format', '.']],
  ['lint', bin('biome'), ['lint', '--error-on-warnings', '.']],
  ['types', bin('tsc'), []],
  ['layers', bin('depcruise'), ['src', '--config', '.dependency-cruiser.cjs', '--output-type', 'err']],
  ['sizes', process.execPath, ['scripts/check-sizes.mjs']],
];
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };
const failed = [];
for (const [name, command, args] of steps) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env });
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  if (status !== 0) {
    failed.push(name);
    console.log(`${stdout}${stderr}`.trimEnd());
  }
}
process.exit(failed.length === 0 ? 0 : 1);
