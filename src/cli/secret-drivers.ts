import { IechorError } from '../common/error.ts';
import { Flags } from './flags.ts';

/** Docker's flags for drivers of secrets and configs, which only services of a swarm have. */
export const driverFlag = Flags.string({ char: 'd', summary: 'Not supported: driver of the secret' });
export const templateDriverFlag = Flags.string({ summary: 'Not supported: driver that fills the content in' });

/** Throws NOT_SUPPORTED for a driver that was named. */
export function refuseDrivers(flags: {
  readonly driver?: string | undefined;
  readonly 'template-driver'?: string | undefined;
}): void {
  const named = (['driver', 'template-driver'] as const).find((flag) => flags[flag]);
  if (named === undefined) return;
  const [what, hint] =
    named === 'driver'
      ? ['drivers of secrets', 'the engine keeps the content itself: give a file, or - for standard input']
      : ['templates', 'the content is handed out as it is; "iechor up" fills variables in that a Compose file has'];
  throw new IechorError('NOT_SUPPORTED', `--${named} ${flags[named]}: ${what} are not supported`, { hint });
}
