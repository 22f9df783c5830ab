import type { Session } from '../compose/session.ts';
import type { Loaded } from '../compose/source/load.ts';
import type { UpOptions } from '../compose/up.ts';
import { watch } from '../compose/watch.ts';
import { quietRenderer } from './render/plain.ts';
import { describeFailure } from './report-error.ts';

export interface RunWatch {
  readonly services: readonly string[];
  readonly prune: boolean;
  /** Hide what builds write. */
  readonly quiet: boolean;
  /** A line of ours, or one that a command wrote in a container. */
  readonly line: (text: string, from?: { readonly name: string; readonly service: string }) => void;
  readonly upOptions: UpOptions;
  readonly signal: AbortSignal;
}

/** Watches until `signal` aborts; what fails on the way is said on standard error and does not end it. */
export async function runWatch(session: Session, { project }: Loaded, run: RunWatch): Promise<void> {
  const silent = quietRenderer(() => {});
  const own: Session = run.quiet ? { ...session, sink: silent.event, announce: silent.announce } : session;
  await watch({ ...own, signal: run.signal }, project, {
    services: run.services,
    prune: run.prune,
    upOptions: run.upOptions,
    print: (text) => run.line(text),
    output: (from, text) => run.line(text, from),
    fail: (error) => {
      const { text } = describeFailure(error, { debug: false, command: 'iechor compose watch', usageExit: 1 });
      process.stderr.write(`${text}\n`);
    },
    signal: run.signal,
  });
}
