import { setTimeout as sleep } from 'node:timers/promises';
import { interrupted } from './transport.ts';

/** Longest wait that a registry may impose on us by Retry-After. */
export const longestWaitMs = 60_000;
const firstWaitMs = 250;

/** Milliseconds that `Retry-After` names, in seconds or as a date; undefined where it says nothing of use. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^[0-9]{1,12}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** Wait before attempt number `attempt` (1: the first repetition): doubled each time, with jitter, at most 15 s. */
export function backOffMs(attempt: number, random: number): number {
  return Math.min(15_000, firstWaitMs * 2 ** (attempt - 1)) * (0.5 + random);
}

/** Throws INTERRUPTED on abort. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {});
  } catch {
    throw interrupted();
  }
}
