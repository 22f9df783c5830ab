import { IechorError } from '../common/error.ts';
import { contentTrustFlag, refuseContentTrust } from './content-trust.ts';
import { Flags } from './flags.ts';
import type { Globals } from './globals.ts';

/** The engine is its only builder, by Docker's name. */
export const builderFlags = {
  builder: Flags.string({ summary: 'Only "default", the engine itself' }),
  debug: Flags.boolean({ char: 'D', summary: 'Show stack traces of errors' }),
};

/** Takes `--debug` as if it stood before the command. Throws NOT_SUPPORTED for another builder. */
export function checkBuilder(
  { builder: name, debug }: { readonly builder?: string | undefined; readonly debug: boolean },
  globals: Globals,
): void {
  if (debug) Object.assign(globals, { debug });
  if (name === undefined || name === '' || name === 'default') return;
  throw new IechorError('NOT_SUPPORTED', `--builder ${name}: builders beside the engine are not supported`, {
    hint: 'leave it out: the engine builds itself; "iechor -c CONTEXT build" builds in another one',
  });
}

/** Flags of Docker's first builder that name what every build here does, for scripts that still give them. */
export const classicBuildFlags = {
  compress: Flags.boolean({ summary: 'Pack the context', hidden: true }),
  'disable-content-trust': contentTrustFlag,
  'force-rm': Flags.boolean({ summary: 'Remove the containers of steps that fail', hidden: true }),
  rm: Flags.boolean({ summary: 'Remove the containers of steps', hidden: true, default: true, allowNo: true }),
};

/** Says which of them has no effect. Throws USAGE for what cannot be had. */
export function checkClassicFlags(
  flags: Readonly<Record<keyof typeof classicBuildFlags, boolean>>,
  warn: (text: string) => void,
): void {
  refuseContentTrust(flags['disable-content-trust']);
  if (flags.compress) warn('WARNING: --compress has no effect: only the files that a build needs are read');
  if (!flags.rm) warn('WARNING: --rm=false has no effect: steps leave no containers behind');
}
