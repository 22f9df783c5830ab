import { BaseCommand } from '../../cli/base-command.ts';
import { contentTrustFlag, refuseContentTrust } from '../../cli/content-trust.ts';
import { parseReference } from '../../cli/default-registry.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { platformFlag } from '../../cli/platform-flag.ts';
import { printTransfer } from '../../cli/print-transfer.ts';
import { splitTag } from '../../cli/split-tag.ts';
import { IechorError } from '../../common/error.ts';

export default class Push extends BaseCommand {
  static override summary = 'Upload an image to a registry';
  static override synopsis = '[OPTIONS] NAME[:TAG]';
  static override args = { image: Args.string({ required: true }) };
  static override flags = {
    'all-tags': Flags.boolean({ char: 'a', summary: 'Push all tags of the repository' }),
    'disable-content-trust': contentTrustFlag,
    platform: Flags.string({ summary: 'Platform the image must be for (os/arch)' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print the name of the image only' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Push);
    refuseContentTrust(flags['disable-content-trust']);
    if (parseReference(args.image).digest !== undefined) {
      throw new IechorError('REFERENCE_INVALID', 'cannot push a digest reference', {
        hint: 'an image is pushed under a tag: leave out the part from "@" on',
      });
    }
    const { repo, tag } = splitTag(args.image);
    if (flags['all-tags'] && tag !== undefined) {
      throw new IechorError('USAGE', "tag can't be used with --all-tags/-a", { hint: `write ${repo}` });
    }
    if (!flags['all-tags'] && tag === undefined && !flags.quiet) process.stdout.write('Using default tag: latest\n');
    const engine = await this.engine();
    const messages = engine.imagePush({
      name: repo,
      tag: flags['all-tags'] ? undefined : (tag ?? 'latest'),
      platform: platformFlag(flags.platform),
      signal: this.signal,
    });
    await printTransfer(messages, { sink: flags.quiet ? undefined : process.stdout });
    if (flags.quiet) this.print(flags['all-tags'] ? repo : `${repo}:${tag ?? 'latest'}`);
  }
}
