import type { HostConfig } from '../../api/types/host-config.ts';
import { parseBytes } from '../../common/bytes.ts';
import { IechorError } from '../../common/error.ts';
import { checkPattern } from './log-attributes.ts';
import { checkTag } from './log-tag.ts';
import { goBool } from './log-values.ts';
import { syslogOptions } from './syslog-options.ts';

type Options = Readonly<Record<string, string>>;

const attributes = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];
/** Options of each driver, beside those that all have. */
const optionsOf: Readonly<Record<string, readonly string[]>> = {
  'json-file': ['max-size', 'max-file', 'compress', ...attributes],
  'k8s-file': ['max-size', 'max-file', 'compress', ...attributes],
  local: ['max-size', 'max-file', 'compress'],
  journald: attributes,
  syslog: [
    ...attributes,
    ...['syslog-address', 'syslog-facility', 'syslog-format', 'syslog-tls-ca-cert', 'syslog-tls-cert'],
    ...['syslog-tls-key', 'syslog-tls-skip-verify'],
  ],
  none: [],
};
/** Of the local copy, and of the way to it: known to every driver. */
const common = [...['mode', 'max-buffer-size', 'cache-disabled', 'cache-max-size', 'cache-max-file', 'cache-compress']];

/** Names of the drivers, as `info` tells them. */
export const logDrivers = ['json-file', 'local', 'none', 'syslog', 'journald'];

/** Throws BAD_REQUEST, in Docker's words, for a driver or an option that does not exist or means nothing. */
export function checkLogConfig(host: HostConfig): void {
  const driver = host.LogConfig?.Type || 'json-file';
  const options = host.LogConfig?.Config ?? {};
  const known = optionsOf[driver];
  if (!known) {
    throw bad(`error looking up logging plugin ${driver}: plugin "${driver}" not found`, `known: ${list(logDrivers)}`);
  }
  if (driver === 'none') return;
  checkMode(options);
  checkCache(options);
  const unknown = Object.keys(options).find((name) => !known.includes(name) && !common.includes(name));
  if (unknown !== undefined) {
    const place = driver === 'local' ? 'log driver local' : `${driver} log driver`;
    throw bad(`unknown log opt '${unknown}' for ${place}`, `known: ${list(known)}`);
  }
  if (driver === 'syslog') syslogOptions(options);
  for (const name of ['labels-regex', 'env-regex']) checkPattern(name, options[name] ?? '');
  checkTag(options.tag ?? '');
}

function checkMode(options: Options): void {
  const { mode = '' } = options;
  if (!['', 'blocking', 'non-blocking'].includes(mode)) throw bad(`logger: logging mode not supported: ${mode}`);
  const size = options['max-buffer-size'];
  if (size === undefined) return;
  if (mode !== 'non-blocking') {
    throw bad("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  if (parseBytes(size) === undefined) throw bad(`error parsing option max-buffer-size: invalid size: '${size}'`);
}

function checkCache(options: Options): void {
  const disabled = options['cache-disabled'];
  if (disabled !== undefined && goBool(disabled) === undefined) {
    throw bad(`invalid value for option cache-disabled: ${disabled}`);
  }
}

const list = (names: readonly string[]) => names.join(', ');

function bad(message: string, hint?: string): IechorError {
  return new IechorError('BAD_REQUEST', message, { hint });
}
