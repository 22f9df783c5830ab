import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { median, spread, timeCommand } from './measure.ts';

interface ConfigOptions {
  readonly rounds: number;
  readonly peer: string;
  /** Archive of projects: `manifest.jsonl` and `golden.jsonl` beside their `cases`. None: that part is left out. */
  readonly corpus?: string | undefined;
  /** How many projects of the archive are read in a round. */
  readonly sample: number;
}

/** `config -q` of one small file, of many projects one after the other, and of 500 services, against a peer. */
export function config(options: ConfigOptions): void {
  const directory = mkdtempSync(join(tmpdir(), 'iechor-bench-'));
  try {
    const small = join(directory, 'small.yaml');
    const large = join(directory, 'large.yaml');
    writeFileSync(small, 'services:\n  web:\n    image: nginx:1\n    ports: ["8080:80"]\n');
    writeFileSync(large, project(500));
    compare('one service', options, [['-f', small]]);
    compare('500 services', options, [['-f', large]]);
    if (options.corpus) {
      const lines = projects(options.corpus, directory, options.sample);
      compare(`${lines.length} projects in turn`, { ...options, rounds: Math.min(options.rounds, 3) }, lines);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function compare(what: string, { rounds, peer }: ConfigOptions, lines: readonly (readonly string[])[]): void {
  const ours: number[] = [];
  const theirs: number[] = [];
  const measure = (command: readonly string[]) =>
    lines.reduce((sum, line) => sum + timeCommand([...command, ...line, 'config', '-q']), 0);
  for (let round = 0; round < rounds; round++) {
    ours.push(measure([resolve('bin/iechor'), 'compose']));
    theirs.push(measure(peer.split(' ')));
  }
  const ratio = (median(ours) / median(theirs)).toFixed(2);
  console.log(`${what.padEnd(24)} iechor ${spread(ours)} ms   ${peer} ${spread(theirs)} ms   ${ratio}x`);
}

/** Services such as people write them: ports, mounts, labels, health checks, dependencies on the first ten. */
function project(services: number): string {
  const service = (at: number) => `  s${at}:
    image: registry.example/app/s${at}:1.${at}
    command: ["serve", "--port", "${8000 + at}"]
    restart: unless-stopped
    environment:
      LOG_LEVEL: info
      INDEX: "${at}"
      DATABASE_URL: postgres://db:5432/app${at}
    ports:
      - "${10_000 + at}:8080"
    volumes:
      - data${at % 20}:/data
      - ./conf/s${at}:/etc/app:ro
    networks: [front, back]
    labels:
      com.example.team: team${at % 7}
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8080"]
      interval: 30s
      timeout: 5s
      retries: 3
${at < 10 ? '' : `    depends_on:\n      - s${at % 10}\n`}`;
  const volumes = Array.from({ length: 20 }, (_, at) => `  data${at}: {}\n`).join('');
  const all = Array.from({ length: services }, (_, at) => service(at)).join('');
  return `services:\n${all}networks:\n  front: {}\n  back: {}\nvolumes:\n${volumes}`;
}

interface Case {
  readonly name: string;
  readonly dir: string;
  readonly files: readonly string[];
  readonly profiles: readonly string[];
  readonly env?: object;
  readonly args?: readonly string[];
  readonly cwd?: string;
}

/** Command lines for the projects of an archive that load without further variables. */
function projects(archive: string, directory: string, sample: number): string[][] {
  execFileSync('tar', ['-xzf', resolve(archive), '-C', directory]);
  const read = (name: string) =>
    readFileSync(join(directory, name), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const accepted = new Set(read('golden.jsonl').flatMap(({ name, expected }) => (expected === 'ok' ? [name] : [])));
  const plain = (read('manifest.jsonl') as unknown as Case[]).filter(
    ({ name, env = {}, args = [], cwd = '.' }) =>
      accepted.has(name) && Object.keys(env).length === 0 && args.length === 0 && cwd === '.',
  );
  const chosen = plain.filter((_, at) => at % Math.ceil(plain.length / sample) === 0);
  return chosen.map(({ dir, files, profiles }) => {
    const root = join(directory, 'cases', dir);
    const named = files.flatMap((file) => ['-f', join(root, file)]);
    return ['--project-directory', root, ...named, ...profiles.flatMap((profile) => ['--profile', profile])];
  });
}
