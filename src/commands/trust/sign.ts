import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { pushImage } from '../../cli/push-image.ts';
import { splitTag } from '../../cli/split-tag.ts';
import { readSigningKey, signInRegistry, signPushed } from '../../cli/trust.ts';
import { IechorError } from '../../common/error.ts';

export default class TrustSign extends BaseCommand {
  static override summary = "Sign an image in its registry, in cosign's form";
  static override synopsis = '--key FILE [--local] IMAGE[:TAG|@DIGEST]';
  static override args = { image: Args.string({ required: true }) };
  static override flags = {
    key: Flags.string({ summary: 'File with the private key', required: true }),
    local: Flags.boolean({ summary: 'Push the image of that tag that is here first, and sign that' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TrustSign);
    const options = { configuration: this.globals.config, signal: this.signal };
    if (flags.local && args.image.includes('@')) {
      throw new IechorError('USAGE', '--local needs a tag, not a digest', { hint: 'leave out the part from "@" on' });
    }
    const key = await readSigningKey(flags.key);
    if (!flags.local) return this.print(`Signed ${await signInRegistry(args.image, key, options)}`);
    const engine = await this.engine();
    const { repo: repository, tag = 'latest' } = splitTag(args.image);
    const digests = await pushImage(engine, repository, { tag, sink: process.stdout, signal: this.signal });
    await signPushed(engine, { repository, digests }, { ...options, key });
    for (const digest of digests) this.print(`Signed ${digest}`);
  }
}
