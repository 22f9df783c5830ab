import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { checkOutput, writeArchive } from '../../cli/write-archive.ts';

export default class VolumeExport extends BaseCommand {
  static override summary = 'Write the files of a volume as a tar archive';
  static override synopsis = '[OPTIONS] VOLUME';
  static override args = { volume: Args.string({ required: true }) };
  static override flags = {
    output: Flags.string({ char: 'o', summary: 'Write to a file instead of standard output' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VolumeExport);
    checkOutput(flags.output);
    const archive = await (await this.engine()).volumeExport({ name: args.volume, signal: this.signal });
    await writeArchive(archive, flags.output);
  }
}
