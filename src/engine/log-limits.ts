import type { HostConfig } from '../api/types/host-config.ts';
import { IechorError } from '../common/error.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineSettings } from './context.ts';

/** False with the log driver `none`: nothing of the output is kept. */
export function keepsLog({ body }: ContainerRecord): boolean {
  return body.HostConfig?.LogConfig?.Type !== 'none';
}

/** When a log is rotated and how many files are kept, from the log options over the daemon's settings. */
export function logLimits(
  settings: EngineSettings,
  host: HostConfig | undefined,
): { sizeBytes: number; files: number } {
  const options = host?.LogConfig?.Config ?? {};
  const size = options['max-size'];
  const files = options['max-file'];
  return {
    sizeBytes: size === undefined ? settings.logMaxSizeBytes : parseSize(size),
    files: files === undefined ? settings.logMaxFiles : parseCount(files),
  };
}

const units: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

function parseSize(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]?)i?b?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * (units[unit.toLowerCase()] ?? Number.NaN));
  if (bytes > 0) return bytes;
  throw new IechorError('BAD_REQUEST', `invalid log option max-size: ${text}`, { hint: 'write for example 10m' });
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1000) return count;
  throw new IechorError('BAD_REQUEST', `invalid log option max-file: ${text}`, { hint: 'write a number from 1 on' });
}
