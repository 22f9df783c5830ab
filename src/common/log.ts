export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Structured log of the daemon, for its operators: logfmt lines on stderr. Data for users are events, not logs. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A log that writes lines at or above `level`, asked for each time where it may change, through `write`. */
export function createLog(
  level: LogLevel | (() => LogLevel),
  write: (line: string) => void = (line) => process.stderr.write(line),
): Log {
  const bound = typeof level === 'function' ? level : () => level;
  const at =
    (own: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (levels.indexOf(own) < levels.indexOf(bound())) return;
      const rest = Object.entries(fields).flatMap(([key, value]) =>
        value === undefined ? [] : ` ${key}=${JSON.stringify(value)}`,
      );
      write(`time=${new Date().toISOString()} level=${own} msg=${JSON.stringify(message)}${rest.join('')}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A log that drops everything, for libraries used without a daemon. */
export const silentLog: Log = createLog('error', () => {});
