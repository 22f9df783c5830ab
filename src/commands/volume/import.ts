import { BaseCommand } from '../../cli/base-command.ts';
import { Args } from '../../cli/flags.ts';
import { openInput, standardInput } from '../../cli/open-input.ts';

export default class VolumeImport extends BaseCommand {
  static override summary = 'Give a volume, made where it is missing, the files of a tar archive';
  static override synopsis = 'VOLUME FILE|-';
  static override args = { volume: Args.string({ required: true }), file: Args.string({ required: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(VolumeImport);
    const body = args.file === '-' ? standardInput('an archive') : openInput(args.file);
    this.print((await (await this.engine()).volumeImport({ name: args.volume, body, signal: this.signal })).Name);
  }
}
