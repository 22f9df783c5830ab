import { once } from 'node:events';
import type { LogLine } from '../../compose/log-source.ts';
import { createPrefixer, type PrefixOptions, shortName } from './log-prefix.ts';

export interface LogPrinterOptions extends PrefixOptions {
  readonly timestamps: boolean;
  /** Each line on the stream it was written to, and not all on standard output. */
  readonly streams: boolean;
}

/** Prints lines of logs with their prefix. Waits for a slow reader. */
export function createLogPrinter(project: string, options: LogPrinterOptions): (line: LogLine) => Promise<void> {
  const prefixer = createPrefixer(project, options);
  return async ({ from, stream, time, written = time, text, exitCode }) => {
    const sink = options.streams && stream === 'stderr' ? process.stderr : process.stdout;
    const stamp = options.timestamps && written !== '' && exitCode === undefined ? `${written} ` : '';
    const body = exitCode === undefined ? `${prefixer(from)}${stamp}${text}` : `${shortName(project, from)} ${text}`;
    if (!sink.write(`${body}\n`)) await once(sink, 'drain');
  };
}
