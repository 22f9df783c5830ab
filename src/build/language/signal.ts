import { constants } from 'node:os';
import { syntaxError } from './syntax-error.ts';
import type { StageInstruction } from './types.ts';

/** Checks a signal of STOPSIGNAL: a number, a name with or without SIG, or RTMIN+n, RTMAX-n. */
export function checkSignal(signal: string, at: StageInstruction): void {
  if (/^-?\d+$/.test(signal) && signal !== '0') return;
  const name = signal.toUpperCase().replace(/^SIG/, '');
  if (`SIG${name}` in constants.signals || name === 'CLD') return;
  const realTime = /^RT(?:MIN(?:\+(\d+))?|MAX(?:-(\d+))?)$/.exec(name);
  const offset = Number(realTime?.[1] ?? realTime?.[2] ?? 0);
  if (realTime && offset <= (realTime[1] !== undefined ? 15 : 14)) return;
  throw syntaxError(`${JSON.stringify(signal)} is not a signal`, { ...at, hint: 'STOPSIGNAL SIGTERM, or a number.' });
}
