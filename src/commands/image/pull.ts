import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { printProgress } from '../../cli/progress-stream.ts';

export default class Pull extends BaseCommand {
  static override summary = 'Download an image from a registry';
  static override synopsis = '[OPTIONS] NAME[:TAG|@DIGEST]';
  static override args = { image: Args.string({ required: true }) };
  static override flags = {
    platform: Flags.string({ summary: 'Platform of the image (os/arch)' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print the name of the image only' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Pull);
    const engine = await this.engine();
    const messages = engine.imageCreate({ fromImage: args.image, platform: flags.platform, signal: this.signal });
    await printProgress(messages, { sink: flags.quiet ? undefined : process.stdout });
    if (flags.quiet) this.print(args.image);
  }
}
