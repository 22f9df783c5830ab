import { BaseCommand } from '../../cli/base-command.ts';
import { Args } from '../../cli/flags.ts';

export default class VolumeRestore extends BaseCommand {
  static override summary = 'Give a volume the content of a snapshot, or of another volume';
  static override synopsis = 'VOLUME SNAPSHOT';
  static override args = { volume: Args.string({ required: true }), from: Args.string({ required: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(VolumeRestore);
    await (await this.engine()).volumeRestore({ name: args.volume, from: args.from, signal: this.signal });
    this.print(args.volume);
  }
}
