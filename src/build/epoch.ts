import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { IechorError } from '../common/error.ts';
import { setTimes } from '../host/file-syscalls.ts';
import { createBreath } from './breathe.ts';
import type { BuildRequest } from './build-context.ts';

/** Seconds of SOURCE_DATE_EPOCH, given as a build argument. Throws BAD_REQUEST where it is no number. */
export function sourceDateEpoch({ buildArgs }: Pick<BuildRequest, 'buildArgs'>): number | undefined {
  const text = buildArgs?.SOURCE_DATE_EPOCH;
  if (text === undefined || text === null || text === '') return undefined;
  const seconds = Number(text);
  if (/^\d{1,11}$/.test(text)) return seconds;
  throw new IechorError('BAD_REQUEST', `SOURCE_DATE_EPOCH is no number of seconds: ${JSON.stringify(text)}`, {
    hint: 'Seconds since 1970, such as those of "git log -1 --format=%ct".',
  });
}

/** Gives what is younger than the moment that time, links and directories too, so that the same files make the same layer. */
export async function clampTimes(directory: string, epochSeconds: number, signal: AbortSignal): Promise<void> {
  const newest = BigInt(epochSeconds) * 1_000_000_000n;
  const breathe = createBreath();
  const visit = async (path: Buffer): Promise<void> => {
    signal.throwIfAborted();
    await breathe();
    const stat: BigIntStats = lstatSync(path, { bigint: true });
    if (stat.isDirectory()) {
      for (const name of readdirSync(path, { encoding: 'buffer' })) {
        await visit(Buffer.concat([path, Buffer.from('/'), name]));
      }
    }
    if (stat.mtimeNs > newest) setTimes(path, newest);
  };
  await visit(Buffer.from(directory));
}
