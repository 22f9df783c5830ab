// Mutated Compose files against the loader: never an error that is none of ours, never over two seconds for one, never
// more than 512 MB. Every round can be run again by its seed and number.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { mutated, readAndPrint } from '../test/support/fuzz-case.ts';

interface Task {
  readonly originals: readonly string[];
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly directory: string;
}
type Message =
  | { readonly round: number }
  | { readonly round: number; readonly result: string; readonly milliseconds: number };

const limitMs = 2000;
const limitMb = 512;

if (isMainThread) await main();
else await work(workerData as Task);

async function work({ originals, seed, from, to, directory }: Task): Promise<void> {
  const post = (message: Message) => parentPort?.postMessage(message);
  for (let round = from; round < to; round++) {
    post({ round });
    const text = mutated(originals, seed, round);
    const start = performance.now();
    let result: string;
    try {
      result = await readAndPrint(text, directory);
    } catch (error) {
      result = String((error as Error).stack ?? error);
    }
    post({ round, result, milliseconds: performance.now() - start });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      rounds: { type: 'string', default: '5000' },
      files: { type: 'string', multiple: true, default: ['examples', 'test/golden'] },
      show: { type: 'boolean', default: false },
    },
  });
  const originals = values.files.flatMap(yamlFiles);
  const [seed, from, rounds] = [values.seed, values.from, values.rounds].map(Number) as [number, number, number];
  if (values.show) {
    process.stdout.write(mutated(originals, seed, from));
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'iechor-fuzz-'));
  const counts: Record<string, number> = { accepted: 0, refused: 0, failed: 0 };
  const fail = (round: number, why: string) => {
    counts.failed = (counts.failed ?? 0) + 1;
    console.log(`seed ${seed} round ${round}: ${why}\n  see it: npm run fuzz -- --seed ${seed} --from ${round} --show`);
  };
  try {
    for (let next = from; next < from + rounds; ) {
      next = await batch({ originals, seed, from: next, to: from + rounds, directory }, counts, fail);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  console.log(`${rounds} rounds on ${originals.length} files: ${JSON.stringify(counts)}`);
  process.exitCode = counts.failed === 0 ? 0 : 1;
}

/** Runs rounds in a thread until they are done or one of them breaks it; answers the round to go on with. */
function batch(
  task: Task,
  counts: Record<string, number>,
  fail: (round: number, why: string) => void,
): Promise<number> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: limitMb },
    });
    let round = task.from;
    let timer: NodeJS.Timeout | undefined;
    const end = (next: number) => {
      clearTimeout(timer);
      worker.removeAllListeners();
      void worker.terminate();
      resolve(next);
    };
    worker.on('message', (message: Message) => {
      round = message.round;
      clearTimeout(timer);
      if (!('result' in message)) {
        timer = setTimeout(() => {
          fail(round, `takes more than ${limitMs} ms`);
          end(round + 1);
        }, limitMs);
        return;
      }
      if (message.result in counts) counts[message.result] = (counts[message.result] ?? 0) + 1;
      else fail(round, message.result);
    });
    worker.on('error', (error) => {
      fail(round, String(error));
      end(round + 1);
    });
    worker.on('exit', () => end(task.to));
  });
}

function yamlFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [readFileSync(path, 'utf8')];
  return readdirSync(path, { recursive: true })
    .map(String)
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => readFileSync(join(path, name), 'utf8'));
}
