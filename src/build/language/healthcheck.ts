import { parseDuration } from '../../common/duration.ts';
import type { ImageRunConfig } from '../../image/types.ts';
import { type Arguments, InstructionError } from './form.ts';

/** HEALTHCHECK in the image configuration's shape; durations in nanoseconds. */
export function readHealthcheck(given: Arguments): NonNullable<ImageRunConfig['Healthcheck']> {
  const [type, ...command] = given.args;
  if (type === undefined) throw new InstructionError('HEALTHCHECK requires at least one argument');
  if (type.toUpperCase() === 'NONE') {
    if (command.length > 0) throw new InstructionError('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  if (type.toUpperCase() !== 'CMD') {
    throw new InstructionError(`unknown type ${JSON.stringify(type)} in HEALTHCHECK`, {
      token: type,
      hint: 'HEALTHCHECK [options] CMD command, or HEALTHCHECK NONE.',
    });
  }
  if (command.length === 0) throw new InstructionError('HEALTHCHECK CMD requires a command');
  const interval = duration(given, 'interval');
  const timeout = duration(given, 'timeout');
  const startPeriod = duration(given, 'start-period');
  const startInterval = duration(given, 'start-interval');
  const retries = readRetries(given);
  return {
    Test: [given.json ? 'CMD' : 'CMD-SHELL', ...command],
    ...(interval && { Interval: interval }),
    ...(timeout && { Timeout: timeout }),
    ...(startPeriod && { StartPeriod: startPeriod }),
    ...(startInterval && { StartInterval: startInterval }),
    ...(retries && { Retries: retries }),
  };
}

function duration(given: Arguments, flag: string): number {
  const value = given.flags.get(flag)?.at(-1);
  if (!value) return 0;
  const token = `--${flag}=${value}`;
  const nanoseconds = value.includes('d') ? undefined : parseDuration(value);
  if (nanoseconds === undefined) {
    throw new InstructionError(`${JSON.stringify(value)} is not a duration`, {
      token,
      hint: 'Write it as 30s or 1m30s.',
    });
  }
  if (nanoseconds !== 0 && nanoseconds < 1e6) {
    throw new InstructionError(`the duration of --${flag} is less than 1ms`, { token });
  }
  return nanoseconds;
}

function readRetries(given: Arguments): number {
  const value = given.flags.get('retries')?.at(-1);
  if (!value) return 0;
  const retries = Number(value);
  if (!/^[+-]?\d+$/.test(value) || Math.abs(retries) > 0x7fffffff) {
    throw new InstructionError(`${JSON.stringify(value)} is not a number of retries`, { token: `--retries=${value}` });
  }
  if (retries < 0) throw new InstructionError(`--retries can not be negative (${retries})`);
  return retries;
}
