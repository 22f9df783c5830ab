import { once } from 'node:events';
import type { StreamSession } from '../api/streams.ts';
import { enterRawMode } from './raw-terminal.ts';

export interface TerminalOptions {
  /** The process has a terminal: ours goes raw and its size follows. */
  readonly tty: boolean;
  /** Our standard input is handed on. */
  readonly stdin: boolean;
  /** Keys that leave the process running, `ctrl-p,ctrl-q` unless said otherwise. */
  readonly detachKeys?: string | undefined;
  readonly resize: (rows: number, columns: number) => Promise<void>;
  readonly stdout?: NodeJS.WritableStream;
  readonly stderr?: NodeJS.WritableStream;
}

/**
 * Connects our terminal with a process until its output ends. Resolves with how it ended; the terminal is restored
 * in every case. Waits for our own output to be taken, so a slow pipe slows the process and not our memory.
 */
export async function connectTerminal(session: StreamSession, options: TerminalOptions): Promise<'ended' | 'detached'> {
  const input = options.stdin ? forwardInput(session, options) : undefined;
  const stopResizing = options.tty ? followSize(options) : () => {};
  let ending = 'ended' as 'ended' | 'detached';
  void input?.detached.then(() => {
    ending = 'detached';
    session.close();
  });
  try {
    for await (const frame of session.output) {
      const sink = frame.stream === 'stderr' ? (options.stderr ?? process.stderr) : (options.stdout ?? process.stdout);
      if (!sink.write(frame.data)) await once(sink, 'drain');
    }
  } catch (error) {
    if (ending !== 'detached') throw error;
  } finally {
    input?.stop();
    stopResizing();
  }
  return ending;
}

function forwardInput(session: StreamSession, options: TerminalOptions): { stop(): void; detached: Promise<void> } {
  const stdin = process.stdin;
  const keys = parseDetachKeys(options.detachKeys ?? 'ctrl-p,ctrl-q');
  const raw = options.tty && stdin.isTTY;
  let matched = 0;
  let detach = () => {};
  const detached = new Promise<void>((resolve) => {
    detach = resolve;
  });
  const leaveRawMode = raw ? enterRawMode(stdin) : () => {};
  const onData = (chunk: Buffer) => {
    if (raw) {
      for (const byte of chunk) {
        matched = byte === keys[matched] ? matched + 1 : byte === keys[0] ? 1 : 0;
        if (keys.length > 0 && matched === keys.length) return detach();
      }
    }
    stdin.pause();
    session.write(chunk).then(
      () => stdin.resume(),
      () => stdin.pause(), // the process has closed its input: what is typed has no reader any more
    );
  };
  const onEnd = () => session.endInput();
  stdin.on('data', onData);
  stdin.once('end', onEnd);
  const stop = () => {
    stdin.off('data', onData);
    stdin.off('end', onEnd);
    leaveRawMode();
    stdin.pause();
    stdin.unref?.();
  };
  return { stop, detached };
}

function followSize(options: TerminalOptions): () => void {
  const report = () => {
    const { rows, columns } = process.stdout;
    // The process may have ended meanwhile: then there is nothing left to resize.
    if (rows && columns) options.resize(rows, columns).catch(() => {});
  };
  report();
  process.stdout.on('resize', report);
  return () => process.stdout.off('resize', report);
}

/** Bytes of `ctrl-p,ctrl-q` or `a,ctrl-x`; unknown words match nothing. */
export function parseDetachKeys(text: string): readonly number[] {
  return text.split(',').flatMap((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
    if (control !== undefined) return [control.toUpperCase().charCodeAt(0) & 0x1f];
    return key.length === 1 ? [key.charCodeAt(0)] : [];
  });
}
