import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { mutated, readAndPrint } from '../../../support/fuzz-case.ts';

const originals = [
  readFileSync('test/golden/config/everything/compose.yaml', 'utf8'),
  'x-a: &a {image: x}\nservices:\n  web: {<<: *a, ports: ["80:80"]}\n  db:\n    extends: web\n    command: |\n      a\n      b\n',
  'services:\n  web:\n    image: "x:${TAG:-1}"\n    depends_on: {db: {condition: service_healthy}}\n  db:\n    build: .\n    environment: [A=$A]\n',
];

// `npm run fuzz` goes on where this ends, with a limit on memory and an eye on hangs.
test('mutated files are read or refused with findings, and none takes for ever', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'iechor-fuzz-'));
  const failures: string[] = [];
  const counts = { accepted: 0, refused: 0 };
  try {
    for (let round = 0; round < 600; round++) {
      const start = performance.now();
      try {
        counts[await readAndPrint(mutated(originals, 3, round), directory)] += 1;
      } catch (error) {
        failures.push(`round ${round}: ${(error as Error).stack}`);
      }
      if (performance.now() - start > 20_000) failures.push(`round ${round} is slow`);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  expect(failures).toEqual([]);
  expect(counts.accepted).toBeGreaterThan(20);
  expect(counts.refused).toBeGreaterThan(20);
});
