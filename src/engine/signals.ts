import { constants } from 'node:os';
import { IechorError } from '../common/error.ts';

/** Number of `SIGTERM`, `TERM`, `15` or `SIGRTMIN+3`. Throws BAD_REQUEST. */
export function parseSignal(text: string): number {
  const upper = text.toUpperCase().replace(/^SIG(?!\d)/, '');
  if (/^\d+$/.test(upper)) {
    const number = Number(upper);
    if (number >= 1 && number <= 64) return number;
  }
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(upper);
  if (realtime) {
    const base = realtime[1] === 'MIN' ? 34 : 64;
    const number = base + Number(realtime[3] ?? 0) * (realtime[2] === '-' ? -1 : 1);
    if (number >= 34 && number <= 64) return number;
  }
  if (upper === 'CLD') return constants.signals.SIGCHLD;
  const named = Object.entries(constants.signals).find(([name]) => name === `SIG${upper}`);
  if (named) return named[1];
  throw new IechorError('BAD_REQUEST', `invalid signal: ${text}`, { hint: 'signals are those of kill -l' });
}

/**
 * The same for a container's stop signal, which an image may give as any number but 0, as Docker has it. undefined for
 * one that no process can be sent: a stop then begins with the kill.
 */
export function parseStopSignal(text: string): number | undefined {
  return /^-?\d+$/.test(text) && (Number(text) < 0 || Number(text) > 64) ? undefined : parseSignal(text);
}
