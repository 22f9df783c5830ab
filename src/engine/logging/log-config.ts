import type { HostConfig, LogConfig } from '../../api/types/host-config.ts';
import type { ContainerRecord } from '../container-record.ts';
import { badLogOption, goBool, logBool, logCount, logSize } from './log-values.ts';

/** Drivers that send what the local log has to somewhere else. */
export const forwarding: ReadonlySet<string> = new Set(['syslog', 'journald']);

/** When the local log is rotated, how many files are kept, and whether those that were rotated are compressed. */
export interface LogLimits {
  readonly sizeBytes: number;
  readonly files: number;
  readonly compress: boolean;
}

const driverOf = (host: HostConfig | undefined): string => host?.LogConfig?.Type || 'json-file';

/** False with the log driver `none`: nothing of the output is kept. */
export function keepsLog({ body }: ContainerRecord): boolean {
  return driverOf(body.HostConfig) !== 'none';
}

/** True where the local log is what the driver is for. */
export function keepsFile(record: ContainerRecord): boolean {
  return keepsLog(record) && !forwarding.has(driverOf(record.body.HostConfig));
}

/** False also where the local copy of a log that is sent elsewhere was refused. */
export function readsLog({ body }: ContainerRecord): boolean {
  const driver = driverOf(body.HostConfig);
  if (driver === 'none') return false;
  return !forwarding.has(driver) || !goBool(body.HostConfig?.LogConfig?.Config?.['cache-disabled'] ?? '');
}

/** Docker's json-file grows without limit unless it is told one; ours does not. */
const plainLimits: LogLimits = { sizeBytes: 10 * 1024 ** 2, files: 3, compress: false };
/** Defaults of Docker's own binary log, which is also its local copy of what goes elsewhere. */
const localLimits: LogLimits = { sizeBytes: 20 * 1024 ** 2, files: 5, compress: true };

/** Limits of a container's local log, from its log options. Throws BAD_REQUEST. */
export function logLimits(host: HostConfig | undefined): LogLimits {
  const options = host?.LogConfig?.Config ?? {};
  const driver = driverOf(host);
  const defaults = driver === 'local' || forwarding.has(driver) ? localLimits : plainLimits;
  const prefix = forwarding.has(driver) ? 'cache-' : '';
  const named = (option: string) => options[`${prefix}${option}`] || undefined;
  const [size, files, compress] = [named('max-size'), named('max-file'), named('compress')];
  const count = files === undefined ? defaults.files : logCount(`${prefix}max-file`, files);
  if (compress !== undefined && logBool(compress) && count < 2) {
    throw badLogOption('compress cannot be true when max-file is less than 2 or max-size is not set');
  }
  return {
    sizeBytes: size === undefined ? defaults.sizeBytes : logSize(size),
    files: count,
    compress: count > 1 && (compress === undefined ? defaults.compress : logBool(compress)),
  };
}

/** A container's configuration over the daemon's, by Docker's rule: options of the same driver are filled in. */
export function mergeLogConfig(own: LogConfig | undefined, defaults: LogConfig): LogConfig {
  const type = own?.Type || defaults.Type || 'json-file';
  const filled = type === (defaults.Type || 'json-file') ? { ...defaults.Config } : {};
  return { Type: type, Config: { ...filled, ...own?.Config } };
}
