import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from './machine.ts';
import { eventually, type PrivateEngine } from './private-engine.ts';

/** Why there is no terminal to be had on this machine, or an empty text. */
export function missingForTerminals(): string {
  return ['script', 'stty', 'tty'].filter((program) => programPath(program) === undefined).join(', ');
}

/** A command in a terminal of its own, as a user has it: util-linux's `script` holds the other side. */
export interface Terminal {
  /** Types; `\x03` is Ctrl-C. */
  type(text: string): void;
  /** Resolves with all output since the last call, up to and with `text`. */
  sees(text: string | RegExp): Promise<string>;
  resize(rows: number, columns: number): void;
  /** Settings of the terminal, as `stty -a` shows them. */
  settings(): string;
  /** Exit code of the command, once it has ended. */
  ended(): Promise<number>;
  /** Takes the terminal away, as when a window is closed. */
  close(): void;
}

let count = 0;
const open = new Set<ChildProcess>();

/** Ends what a failed test left open. */
export function closeTerminals(): void {
  for (const child of open) child.kill('SIGKILL');
  open.clear();
}

/** Starts `iechor ...` in a terminal of 30 rows and 100 columns; `afterwards` is a shell command that follows it there. */
export async function openTerminal(
  engine: PrivateEngine,
  args: readonly string[],
  afterwards = ':',
): Promise<Terminal> {
  const mark = join(engine.dir, `terminal-${++count}`);
  const quoted = [engine.program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const command = `tty > ${mark}.new && stty rows 30 cols 100 && mv ${mark}.new ${mark} && ${quoted}; code=$?; ${afterwards}; exit $code`;
  const child: ChildProcess = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: engine.dir,
    // A terminal in CI is still one to these tests.
    env: { ...process.env, ...engine.environment, CI: '', TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  open.add(child);
  child.once('close', () => open.delete(child));
  let unread = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    unread += chunk.toString();
  });
  const end = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 128)));
  await eventually('the terminal is there', () => existsSync(mark));
  const path = readFileSync(mark, 'utf8').trim();
  rmSync(mark);
  const stty = (...words: string[]) => spawnSync('stty', ['-F', path, ...words], { encoding: 'utf8' }).stdout;
  return {
    type: (text) => child.stdin?.write(text),
    async sees(text) {
      const place = () => (typeof text === 'string' ? unread.indexOf(text) : unread.search(text));
      await eventually(`the terminal shows ${text}, not just ${JSON.stringify(unread)}`, () => place() >= 0).catch(
        () => {
          throw new Error(`the terminal does not show ${text}, but ${JSON.stringify(unread)}`);
        },
      );
      const length = typeof text === 'string' ? text.length : (text.exec(unread)?.[0].length ?? 0);
      const seen = unread.slice(0, place() + length);
      unread = unread.slice(seen.length);
      return seen;
    },
    resize: (rows, columns) => stty('rows', String(rows), 'cols', String(columns)),
    settings: () => stty('-a'),
    ended: () => end,
    close: () => child.kill('SIGKILL'),
  };
}
