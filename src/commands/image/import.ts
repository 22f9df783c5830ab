import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { openInput, standardInput } from '../../cli/open-input.ts';
import { printProgress } from '../../cli/progress-stream.ts';
import { splitTag } from '../../cli/split-tag.ts';

export default class Import extends BaseCommand {
  static override summary = 'Import the contents of a tar archive as an image';
  static override synopsis = '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]';
  static override args = { file: Args.string({ required: true }), reference: Args.string() };
  static override flags = {
    change: Flags.string({
      char: 'c',
      summary: 'Apply an iEchorfile instruction to the image',
      multiple: true,
      multipleNonGreedy: true,
    }),
    message: Flags.string({ char: 'm', summary: 'Message of the import' }),
    platform: Flags.string({ summary: 'Platform of the image' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Import);
    const { repo, tag } = splitTag(args.reference ?? '');
    const isAddress = /^https?:\/\//.test(args.file);
    const body = args.file === '-' ? standardInput('an archive') : isAddress ? undefined : openInput(args.file);
    const engine = await this.engine();
    const messages = engine.imageCreate({
      fromSrc: isAddress ? args.file : '-',
      repo: repo || undefined,
      tag,
      message: flags.message,
      changes: flags.change,
      platform: flags.platform,
      body,
      signal: this.signal,
    });
    await printProgress(messages, { sink: process.stdout });
  }
}
