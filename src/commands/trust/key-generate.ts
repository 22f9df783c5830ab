import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { passphrase } from '../../cli/passphrase.ts';
import { IechorError, messageOf } from '../../common/error.ts';

export default class TrustKeyGenerate extends BaseCommand {
  static override summary = 'Make a key to sign images with';
  static override synopsis = '[OPTIONS] NAME';
  static override args = { name: Args.string({ required: true }) };
  static override flags = {
    dir: Flags.string({ summary: 'Directory of the two files', default: '.' }),
    'no-passphrase': Flags.boolean({ summary: 'Leave the private key unencrypted' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TrustKeyGenerate);
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,100}$/.test(args.name)) {
      throw new IechorError('USAGE', `${JSON.stringify(args.name)} is no name of a key`);
    }
    const phrase = flags['no-passphrase'] ? undefined : await passphrase('Passphrase of the new key: ');
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const locked = phrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase: phrase };
    const [secret, open] = ['key', 'pub'].map((ending) => join(flags.dir, `${args.name}.${ending}`));
    write(secret ?? '', privateKey.export({ type: 'pkcs8', format: 'pem', ...locked }).toString(), 0o600);
    write(open ?? '', publicKey.export({ type: 'spki', format: 'pem' }).toString(), 0o644);
    this.print(`Private key: ${secret}\nPublic key:  ${open}`);
  }
}

/** Replaces nothing: a lost key cannot be had again. */
function write(path: string, content: string, mode: number): void {
  try {
    writeFileSync(path, content, { mode, flag: 'wx' });
  } catch (cause) {
    throw new IechorError('USAGE', `${path} cannot be written: ${messageOf(cause)}`, { cause });
  }
}
