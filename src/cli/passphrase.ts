import { IechorError } from '../common/error.ts';
import { askSecret } from './ask.ts';

/** The passphrase of a key, from IECHOR_TRUST_PASSPHRASE or the terminal; never from the command line. Throws USAGE. */
export async function passphrase(question: string): Promise<string> {
  const given = process.env.IECHOR_TRUST_PASSPHRASE;
  const phrase = given ?? (process.stdin.isTTY ? await askSecret(question) : '');
  if (phrase !== '') return phrase;
  throw new IechorError('USAGE', 'the key needs a passphrase', {
    hint: 'set IECHOR_TRUST_PASSPHRASE, or make a key without one (--no-passphrase)',
  });
}
