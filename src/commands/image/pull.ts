import { BaseCommand } from '../../cli/base-command.ts';
import { contentTrustFlag, refuseContentTrust } from '../../cli/content-trust.ts';
import { domainOf, parseReference } from '../../cli/default-registry.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { fullName, pullTarget } from '../../cli/image-name.ts';
import { printTransfer } from '../../cli/print-transfer.ts';
import { IechorError } from '../../common/error.ts';

export default class Pull extends BaseCommand {
  static override summary = 'Download an image from a registry';
  static override synopsis = '[OPTIONS] NAME[:TAG|@DIGEST]';
  static override args = { image: Args.string({ required: true }) };
  static override flags = {
    'all-tags': Flags.boolean({ char: 'a', summary: 'Download all tags of the repository' }),
    'disable-content-trust': contentTrustFlag,
    platform: Flags.string({ summary: 'Platform of the image (os/arch)' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print the name of the image only' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Pull);
    refuseContentTrust(flags['disable-content-trust']);
    parseReference(args.image);
    const target = pullTarget(args.image);
    const all = flags['all-tags'];
    if (all && target.given) throw new IechorError('USAGE', "tag can't be used with --all-tags/-a");
    if (!all && !target.given && !flags.quiet) process.stdout.write('Using default tag: latest\n');
    const engine = await this.engine();
    const messages = engine.imageCreate({
      fromImage: target.fromImage,
      tag: all ? undefined : target.tag,
      platform: flags.platform,
      signal: this.signal,
    });
    await printTransfer(messages, { sink: flags.quiet ? undefined : process.stdout });
    this.print(fullName(args.image, { tagged: !all, registry: await domainOf(engine, args.image) }));
  }
}
