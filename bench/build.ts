import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, spread, timeCommand } from './measure.ts';

interface Case {
  readonly name: string;
  /** At most this share of the peer's time is wanted. */
  readonly wanted: number;
  /** Makes the context once. */
  readonly make: (context: string) => void;
  /** Before each measurement of either side. */
  readonly change?: (context: string, nonce: string) => void;
  readonly file: (nonce: string) => string;
  /** A shell command that does the least that has to be done. */
  readonly floor: (context: string) => string;
}

const many = (context: string): void => {
  for (let directory = 0; directory < 100; directory++) {
    const path = join(context, 'src', String(directory));
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < 100; file++) writeFileSync(join(path, `${file}.bin`), randomBytes(20_000));
  }
};
const work = 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done';
const nothing = (): void => {};
const shells = (count: number): string => `for i in $(seq ${count}); do sh -c true; done`;

const cases: readonly Case[] = [
  {
    name: '1 20 RUN steps cold',
    wanted: 0.5,
    make: nothing,
    file: (nonce) => Array.from({ length: 20 }, (_, step) => `RUN : ${nonce} ${step}`).join('\n'),
    floor: () => shells(20),
  },
  {
    name: '2 20 RUN steps cached',
    wanted: 0.6,
    make: nothing,
    file: () => Array.from({ length: 20 }, (_, step) => `RUN : cached ${step}`).join('\n'),
    floor: () => shells(1),
  },
  {
    name: '3 one of 10000 files changed',
    wanted: 0.5,
    make: many,
    change: (context, nonce) => appendFileSync(join(context, 'src/50/50.bin'), nonce),
    file: () => 'COPY src /src',
    floor: (context) => `rm -rf ${context}.floor && cp -r ${context}/src ${context}.floor`,
  },
  {
    name: '3n none of 10000 files changed',
    wanted: 0.5,
    make: many,
    file: () => 'COPY src /src',
    floor: (context) => `find ${context}/src -printf '%T@ %s\\n' | tail -1`,
  },
  {
    name: '4 four stages of work',
    wanted: 0.9,
    make: nothing,
    file: (nonce) =>
      [
        ...[1, 2, 3, 4].map((stage) => `AS s${stage}\nRUN : ${nonce} ${stage}; ${work}; echo ${stage} > /out`),
        `\n${[1, 2, 3, 4].map((stage) => `COPY --from=s${stage} /out /${stage}`).join('\n')}`,
      ].join('\nFROM IMAGE '),
    floor: () => `for i in 1 2 3 4; do (${work}) & done; wait`,
  },
  {
    name: '5 COPY of 500 MB',
    wanted: 0.6,
    make: (context) => {
      for (let part = 0; part < 10; part++) writeFileSync(join(context, `${part}.bin`), randomBytes(50_000_000));
    },
    change: (context, nonce) => appendFileSync(join(context, '0.bin'), nonce),
    file: () => 'COPY *.bin /data/',
    floor: (context) => `rm -rf ${context}.floor && cp -r ${context} ${context}.floor`,
  },
  {
    name: '6 RUN writing 30000 files',
    wanted: 0.6,
    make: nothing,
    file: (nonce) => `RUN : ${nonce}; mkdir /m; cd /m; i=0; while [ $i -lt 30000 ]; do echo $i > f$i; i=$((i+1)); done`,
    floor: (context) =>
      `rm -rf ${context}.floor; mkdir ${context}.floor; cd ${context}.floor; i=0; while [ $i -lt 30000 ]; do echo $i > f$i; i=$((i+1)); done`,
  },
];

/** Builds the same contexts with iechor and with a peer, one after the other, and prints medians and ratios. */
export function build(options: { rounds: number; peer: string; image: string; only: string | undefined }): void {
  const ours = (process.env.IECHOR_BENCH_CLI ?? join(import.meta.dirname, '../bin/iechor')).split(' ');
  const peer = [...options.peer.split(' '), 'buildx', 'build', '--load'];
  const root = mkdtempSync(join(tmpdir(), 'iechor-bench-build-'));
  console.log('case | iechor ms | peer ms | ratio (wanted) | floor ms');
  try {
    for (const one of cases.filter(({ name }) => options.only === undefined || name.startsWith(options.only))) {
      measure(one, { ...options, root, ours: [...ours, 'build'], peer });
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function measure(
  one: Case,
  { root, ours, peer, rounds, image }: { root: string; ours: string[]; peer: string[]; rounds: number; image: string },
): void {
  const context = join(root, one.name.replace(/ .*/, ''));
  mkdirSync(context);
  one.make(context);
  const times = { ours: [] as number[], peer: [] as number[], floor: [] as number[] };
  const tag = 'iechor-bench-build';
  for (let round = -1; round < rounds; round++) {
    const sides = round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const);
    for (const side of sides) {
      const nonce = randomBytes(6).toString('hex');
      one.change?.(context, nonce);
      const text = `FROM IMAGE ${one.file(nonce)}`
        .replace(/^FROM IMAGE (?!AS)/, 'FROM IMAGE\n')
        .replaceAll('IMAGE', image);
      writeFileSync(join(context, 'Dockerfile'), `${text}\n`);
      const elapsed = timeCommand([...(side === 'ours' ? ours : peer), '-t', tag, context]);
      // The first round fills caches and is not counted.
      if (round >= 0) times[side].push(elapsed);
    }
  }
  // After both: a file system is slow for a while after the many removals of some floors.
  for (let round = 0; round < rounds; round++) times.floor.push(timeCommand(['sh', '-c', one.floor(context)]));
  const ratio = (median(times.ours) / median(times.peer)).toFixed(2);
  const row = [spread(times.ours), spread(times.peer), `${ratio}x (${one.wanted}x)`, spread(times.floor)];
  console.log([one.name, ...row].join(' | '));
  rmSync(context, { recursive: true });
  rmSync(`${context}.floor`, { recursive: true, force: true });
}
