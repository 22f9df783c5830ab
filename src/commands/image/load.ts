import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { openInput, standardInput } from '../../cli/open-input.ts';
import { platformFlag } from '../../cli/platform-flag.ts';
import { printProgress } from '../../cli/progress-stream.ts';

export default class Load extends BaseCommand {
  static override summary = 'Load images from a tar archive';
  static override flags = {
    input: Flags.string({ char: 'i', summary: 'Read from a file instead of standard input' }),
    platform: Flags.string({ summary: 'Platform of the images to load (os/arch)' }),
    quiet: Flags.boolean({ char: 'q', summary: 'No output of the load' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Load);
    const body = flags.input ? openInput(flags.input) : standardInput('an archive of images');
    const messages = (await this.engine()).imagesLoad({
      quiet: flags.quiet || !process.stdout.isTTY,
      platform: platformFlag(flags.platform),
      body,
      signal: this.signal,
    });
    await printProgress(messages, { sink: process.stdout });
  }
}
