import { contentTrustFlag, refuseContentTrust } from './content-trust.ts';
import { Flags } from './flags.ts';

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
