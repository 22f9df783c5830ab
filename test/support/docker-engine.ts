import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { describe } from '@jest/globals';
import { connect } from '../../src/api/client.ts';
import type { EngineApi } from '../../src/api/engine-api.ts';

/** Ends with 0 where the engine has the image. */
const asksForImage = `require('node:http').get({ socketPath: process.argv[1], path: '/images/busybox:latest/json' }, (reply) =>
  process.exit(reply.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))`;

/** Socket of a real Docker Engine that answers and holds the `busybox:latest` of the tests, or undefined. */
export function dockerSocket(): string | undefined {
  return [process.env.IECHOR_TEST_DOCKER_SOCKET, '/var/run/docker.sock'].find(
    (path) => path && existsSync(path) && spawnSync(process.execPath, ['-e', asksForImage, path]).status === 0,
  );
}

/** `describe` for tests that need a real Docker Engine; where there is none they are skipped by name. */
export function describeWithDocker(name: string, body: (socket: string) => void): void {
  const socket = dockerSocket();
  if (!socket)
    console.warn(
      `SKIPPED: ${name}: no Docker Engine with busybox:latest here (IECHOR_TEST_DOCKER_SOCKET, /var/run/docker.sock)`,
    );
  (socket ? describe : describe.skip)(name, () => body(socket ?? ''));
}

export interface Ended {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs on. */
export interface Running {
  /** Resolves when standard output or error matches; throws when the command ends before, or after a minute. */
  until(what: RegExp): Promise<void>;
  /** Resolves with how it ended, after a Ctrl-C unless told otherwise. */
  end(signal?: NodeJS.Signals | 'none'): Promise<Ended>;
}

/** A project of the test's own on a Docker Engine, driven through our command line. */
export interface DockerProject {
  readonly name: string;
  readonly dir: string;
  readonly engine: EngineApi;
  write(files: Readonly<Record<string, string>>): void;
  /** Runs `iechor ...` in the project's directory to its end. */
  iechor(...args: string[]): Ended;
  /** The same for `iechor compose ...`. */
  compose(...args: string[]): Ended;
  /** The same with further variables of the environment. */
  composeWith(variables: Readonly<Record<string, string>>, ...args: string[]): Ended;
  /** The same, interrupted by Ctrl-C when its output matches. */
  interrupted(args: readonly string[], when: RegExp): Promise<Ended>;
  /** Starts `iechor compose ...` and leaves it running. */
  start(...args: string[]): Running;
  /** Name to state of its containers. */
  states(): Promise<Record<string, string>>;
  /** Removes all that is left of it. */
  dispose(): Promise<void>;
}

const program = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  resolve('src/commands/iechor-main.ts'),
] as const;

function running(child: ChildProcessByStdio<null, Readable, Readable>): Running {
  const output = { stdout: '', stderr: '' };
  let look = () => {};
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      output[stream] += chunk.toString();
      look();
    });
  }
  const closed = new Promise<Ended>((done) => {
    child.once('close', (exit) => done({ exit: exit ?? 128, ...output }));
  });
  return {
    until: (what) =>
      new Promise((done, fail) => {
        const give = (why: string) => fail(new Error(`${why} without ${what}: ${output.stdout}${output.stderr}`));
        const timer = setTimeout(() => give('a minute'), 60_000);
        look = () => {
          if (!what.test(output.stdout) && !what.test(output.stderr)) return;
          clearTimeout(timer);
          done();
        };
        void closed.then(() => {
          clearTimeout(timer);
          give('ended');
        });
        look();
      }),
    end(signal = 'SIGINT') {
      if (signal !== 'none') child.kill(signal);
      return closed;
    },
  };
}

export function createDockerProject(socket: string, label: string): DockerProject {
  const dir = mkdtempSync(join(tmpdir(), 'iechor-docker-'));
  const name = `t${process.pid}-${label}-${dir.slice(-6).toLowerCase()}`;
  const connection = connect({ socketPath: socket });
  const env = { ...process.env, IECHOR_HOST: `unix://${socket}`, COMPOSE_PROJECT_NAME: name, NO_COLOR: '1' };
  const [node, ...main] = program;
  const filters = { label: [`com.docker.compose.project=${name}`] };
  const run = (args: readonly string[], variables: Readonly<Record<string, string>> = {}): Ended => {
    const options = { cwd: dir, env: { ...env, ...variables }, timeout: 150_000, input: '' };
    const result = spawnSync(node, [...main, ...args], { ...options, encoding: 'utf8' });
    if (result.error) throw result.error;
    return { exit: result.status ?? 128, stdout: result.stdout, stderr: result.stderr };
  };
  return {
    name,
    dir,
    engine: connection,
    write(files) {
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(dirname(join(dir, file)), { recursive: true });
        writeFileSync(join(dir, file), text);
      }
    },
    iechor: (...args) => run(args),
    compose: (...args) => run(['compose', ...args]),
    composeWith: (variables, ...args) => run(['compose', ...args], variables),
    interrupted(args, when) {
      return new Promise((done, fail) => {
        const child = spawn(node, [...main, 'compose', ...args], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
        const output = { stdout: '', stderr: '' };
        let sent = false;
        const take = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
          output[stream] += chunk.toString();
          if (!sent && when.test(output.stdout)) {
            sent = true;
            child.kill('SIGINT');
          }
        };
        child.stdout.on('data', take('stdout'));
        child.stderr.on('data', take('stderr'));
        child.once('error', fail);
        child.once('close', (exit) => done({ exit: exit ?? 128, ...output }));
      });
    },
    start(...args) {
      const child = spawn(node, [...main, 'compose', ...args], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
      return running(child);
    },
    async states() {
      const found = await connection.containerList({ all: true, filters });
      return Object.fromEntries(
        found.map(({ Names, State }) => [(Names[0] ?? '').slice(1).replace(`${name}-`, ''), State]),
      );
    },
    async dispose() {
      for (const { Id } of await connection.containerList({ all: true, filters }))
        await connection.containerRemove({ id: Id, force: true, v: true });
      for (const { Id } of await connection.networkList({ filters })) await connection.networkRemove({ id: Id });
      for (const { Name } of (await connection.volumeList({ filters })).Volumes ?? [])
        await connection.volumeRemove({ name: Name });
      for (const { Id } of await connection.imageList({ filters }))
        await connection.imageRemove({ name: Id, force: true });
      connection.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
