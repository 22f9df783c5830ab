import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { passphrase } from '../../cli/passphrase.ts';
import { readContent } from '../../cli/read-content.ts';
import { signInRegistry } from '../../cli/trust.ts';

export default class TrustSign extends BaseCommand {
  static override summary = "Sign an image in its registry, in cosign's form";
  static override synopsis = '--key FILE IMAGE[:TAG|@DIGEST]';
  static override args = { image: Args.string({ required: true }) };
  static override flags = { key: Flags.string({ summary: 'File with the private key', required: true }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TrustSign);
    const pem = (await readContent(flags.key)).toString();
    const phrase = pem.includes('ENCRYPTED') ? await passphrase(`Passphrase of ${flags.key}: `) : undefined;
    const options = { configuration: this.globals.config, signal: this.signal };
    const digest = await signInRegistry(args.image, { pem, passphrase: phrase }, options);
    this.print(`Signed ${digest}`);
  }
}
