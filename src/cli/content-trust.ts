import { usage } from './flag-reader.ts';
import { Flags } from './flags.ts';

/** Docker's flag for signatures of Notary; only its default, on, can be had. */
export const contentTrustFlag = Flags.boolean({
  summary: 'Without signatures of Notary (default true)',
  default: true,
  allowNo: true,
});

/** Throws USAGE where such signatures are asked for. */
export function refuseContentTrust(isDisabled: boolean): void {
  if (isDisabled) return;
  usage('--disable-content-trust=false asks for signatures of Notary, which is not supported', 'see: iechor trust');
}
