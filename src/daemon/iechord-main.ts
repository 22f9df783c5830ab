#!/usr/bin/env node
import { fstatSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, isIechorError, messageOf } from '../common/error.ts';
import { createLog } from '../common/log.ts';
import { version } from '../common/version.ts';
import { usage } from './flags.ts';
import { type DaemonOptions, readOptions } from './options.ts';
import { startDaemon } from './start.ts';

/** Tells whoever started the daemon, by one JSON line on the descriptor it gave: ready, or why not. */
function tell(fd: number | undefined, answer: object): void {
  if (fd === undefined) return;
  try {
    writeSync(fd, `${JSON.stringify(answer)}\n`);
  } catch (error) {
    // The one who asked is gone; the daemon goes on without it.
    if (codeOf(error) !== 'EPIPE' && codeOf(error) !== 'EBADF') throw error;
  }
}

/** The ready descriptor, also where the other options cannot be read. */
function readyFdOf(argv: readonly string[]): number | undefined {
  const at = argv.indexOf('--ready-fd');
  const fd = at < 0 ? Number.NaN : Number(argv[at + 1]);
  return Number.isInteger(fd) ? fd : undefined;
}

function fail(error: unknown, fd: number | undefined): never {
  const known = isIechorError(error);
  const answer = known
    ? { code: error.code, message: error.message, hint: error.hint }
    : { code: 'ENGINE_ERROR', message: messageOf(error) };
  tell(fd, { error: answer });
  process.stderr.write(`iechord: ${messageOf(error)}\n`);
  if (known && error.hint) process.stderr.write(`  hint: ${error.hint}\n`);
  if (!known && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exit(known ? error.exit : 1);
}

/** Where the log goes: the file in the volatile root when that is our standard error, as it is when started by the CLI. */
function logPathOf({ execRoot }: DaemonOptions): string {
  const path = join(execRoot, 'iechord.log');
  const file = statSync(path, { throwIfNoEntry: false });
  const own = fstatSync(2);
  return file && file.ino === own.ino && file.dev === own.dev ? path : '';
}

async function main(argv: readonly string[]): Promise<void> {
  const fd = readyFdOf(argv);
  try {
    const options = readOptions(argv);
    if (options === 'help' || options === 'version') {
      process.stdout.write(options === 'help' ? usage : `iechord version ${version}\n`);
      return;
    }
    process.umask(0o022);
    let { logLevel } = options;
    const log = createLog(() => logLevel);
    // A failure that nobody awaited is a bug of one request: it is written down, and the others go on.
    process.on('unhandledRejection', (error) => {
      log.error('a failure went unobserved', { error: error instanceof Error ? error.stack : String(error) });
    });
    const daemon = await startDaemon(options, { log, logPath: logPathOf(options) });
    if (options.pidfile) writeFileSync(options.pidfile, `${process.pid}\n`);
    const stop = (signal: string) => {
      log.info('stopping', { signal });
      daemon.stop({ force: false }).catch((error) => log.error('stopping failed', { error: messageOf(error) }));
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
    // Whoever started it may go: it is nobody's session's. Its owner means by it that the configuration has changed.
    process.on('SIGHUP', () => {
      try {
        const changed = readOptions(argv) as DaemonOptions;
        logLevel = changed.logLevel;
        daemon.reload(changed);
        log.info('the configuration was read again');
      } catch (error) {
        log.error('the configuration stays as it was', { error: messageOf(error) });
      }
    });
    tell(fd, { ready: true, pid: process.pid });
    await daemon.stopped;
    if (options.pidfile) rmSync(options.pidfile, { force: true });
    process.exit(0);
  } catch (error) {
    fail(error, fd);
  }
}

await main(process.argv.slice(2));
