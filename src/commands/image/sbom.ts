import { writeFileSync } from 'node:fs';
import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';

export default class ImageSbom extends BaseCommand {
  static override summary = 'Say what software an image has, from the databases of package managers in it';
  static override synopsis = '[OPTIONS] IMAGE';
  static override args = { image: Args.string({ required: true }) };
  static override flags = {
    format: Flags.string({ summary: 'spdx (2.3) or cyclonedx (1.5), as JSON', default: 'spdx' }),
    output: Flags.string({ char: 'o', summary: 'Write to a file instead of standard output' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageSbom);
    const request = { name: args.image, format: flags.format, signal: this.signal };
    const { document, packages, warnings } = await (await this.engine()).imageSbom(request);
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
    const text = JSON.stringify(document, null, 2);
    if (flags.output === undefined) return this.print(text);
    writeFileSync(flags.output, `${text}\n`);
    this.print(`${packages} packages`);
  }
}
