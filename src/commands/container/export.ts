import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { checkOutput, writeArchive } from '../../cli/write-archive.ts';

export default class Export extends BaseCommand {
  static override summary = "Export a container's file system as a tar archive";
  static override synopsis = '[OPTIONS] CONTAINER';
  static override args = { container: Args.string({ required: true }) };
  static override flags = {
    output: Flags.string({ char: 'o', summary: 'Write to a file instead of standard output' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Export);
    checkOutput(flags.output);
    const archive = await (await this.engine()).containerExport({ id: args.container, signal: this.signal });
    await writeArchive(archive, flags.output);
  }
}
