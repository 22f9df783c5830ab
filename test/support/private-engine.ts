import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { staticBusybox } from './machine.ts';

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** An engine of the test's own: roots in a temporary directory, reached and started by the real CLI. */
export interface PrivateEngine {
  /** Holds `data`, `run` and whatever the test puts there. */
  readonly dir: string;
  readonly socketPath: string;
  /** Path of the CLI, and the environment that leads it to this engine, for tests that start it their own way. */
  readonly program: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Runs `iechor ...` to its end. */
  iechor(args: readonly string[], options?: RunOptions): Ran;
  /** Starts `iechor ...` and leaves it running, in a process group of its own. */
  start(args: readonly string[], options?: RunOptions): ChildProcess;
  /** Pid of the daemon, or undefined when it does not run. */
  daemonPid(): number | undefined;
  /** Removes every container, stops the daemon and deletes the directory. */
  dispose(): void;
}

const iechorProgram = resolve('bin/iechor');

export function createPrivateEngine(): PrivateEngine {
  const dir = mkdtempSync(join(tmpdir(), 'iechor-test-'));
  const env = {
    ...process.env,
    IECHOR_DATA_ROOT: join(dir, 'data'),
    IECHOR_EXEC_ROOT: join(dir, 'run'),
    IECHOR_HOST: '',
    DOCKER_HOST: '',
    NO_COLOR: '1',
  };
  const iechor = (args: readonly string[], options: RunOptions = {}): Ran => {
    const result = spawnSync(iechorProgram, [...args], {
      cwd: options.cwd ?? dir,
      env: { ...env, ...options.env },
      input: options.input ?? '',
      encoding: 'utf8',
      timeout: options.timeoutMs ?? 120_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    if (result.error) throw result.error;
    return { exit: result.status ?? 128, stdout: result.stdout, stderr: result.stderr };
  };
  return {
    dir,
    socketPath: join(dir, 'run', 'iechor.sock'),
    program: iechorProgram,
    environment: env,
    iechor,
    start: (args, options = {}) =>
      spawn(iechorProgram, [...args], {
        cwd: options.cwd ?? dir,
        env: { ...env, ...options.env },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    daemonPid() {
      const status = iechor(['daemon', 'status', '--format', 'json']);
      return status.exit === 0 ? (JSON.parse(status.stdout) as { pid: number }).pid : undefined;
    },
    dispose() {
      const ids = iechor(['ps', '-aq']).stdout.split('\n').filter(Boolean);
      if (ids.length > 0) iechor(['rm', '-f', '-v', ...ids]);
      iechor(['daemon', 'stop']);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Puts the image `busybox:latest`, made of Debian's static busybox, into the engine. */
export function importBusybox(engine: PrivateEngine): void {
  const root = join(engine.dir, 'busybox-root');
  const busybox = staticBusybox();
  if (!busybox) throw new Error('no static busybox here');
  for (const folder of ['bin', 'etc', 'tmp', 'root', 'var']) mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  copyFileSync(busybox, join(root, 'bin/busybox'));
  for (const applet of spawnSync(busybox, ['--list'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((name) => name && name !== 'busybox')) {
    symlinkSync('busybox', join(root, 'bin', applet));
  }
  for (const [file, text] of [
    ['etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n'],
    ['etc/group', 'root:x:0:\nnogroup:x:65534:\n'],
  ] as const) {
    spawnSync('sh', ['-c', `printf '%s' "$1" > "$2"`, 'sh', text, join(root, file)]);
  }
  const archive = join(engine.dir, 'busybox.tar');
  spawnSync('tar', ['-C', root, '-cf', archive, '.']);
  const imported = engine.iechor(['import', '-c', 'CMD ["sh"]', archive, 'busybox:latest']);
  rmSync(root, { recursive: true, force: true });
  if (imported.exit !== 0) throw new Error(`import failed: ${imported.stderr}`);
}

/**
 * What an engine has on the host at this moment, by its directory and its scope: mounts, namespaces, links, nft tables
 * and rules, cgroups and processes. Empty when it has left no trace.
 */
export function tracesOf(engine: PrivateEngine): readonly string[] {
  const scope = createHash('sha256').update(join(engine.dir, 'data')).digest('hex').slice(0, 8);
  const lines = (command: string, args: string[]) =>
    spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
      .stdout.split('\n')
      .filter((line) => line.includes(scope) || line.includes(engine.dir));
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(engine.dir));
  return [
    ...mounts.map((line) => `mount ${line.split(' ')[4]}`),
    ...lines('ip', ['-o', 'link']).map((line) => `link ${line}`),
    ...lines('nft', ['list', 'ruleset']).map((line) => `nft ${line.trim()}`),
    ...lines('find', ['/sys/fs/cgroup', '-type', 'd']).map((line) => `cgroup ${line}`),
    ...lines('ps', ['-eo', 'pid,args']).map((line) => `process ${line}`),
  ];
}

/** Resolves when the condition holds; throws naming it after the time is up. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; ) {
    if (await condition()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}`);
}
