import { BaseCommand } from '../../cli/base-command.ts';
import { fileLine } from '../../cli/file-line.ts';
import { Args, Flags } from '../../cli/flags.ts';

export default class ImageFiles extends BaseCommand {
  static override summary = 'List the files of an image';
  static override synopsis = '[OPTIONS] IMAGE [PATTERN]';
  static override examples = ["iechor image files debian:bookworm '/etc/**'"];
  static override args = { image: Args.string({ required: true }), pattern: Args.string() };
  static override flags = { format: Flags.string({ summary: 'json: one document per line' }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageFiles);
    const engine = await this.engine();
    for await (const file of engine.imageFiles({ name: args.image, pattern: args.pattern, signal: this.signal })) {
      this.print(flags.format === 'json' ? JSON.stringify(file) : fileLine(file));
    }
  }
}
