import { BaseCommand } from '../../cli/base-command.ts';
import { Args } from '../../cli/flags.ts';

export default class VolumeClone extends BaseCommand {
  static override summary = 'Make a new volume with the content of another one, at one moment';
  static override synopsis = 'VOLUME NEW-VOLUME';
  static override args = { volume: Args.string({ required: true }), to: Args.string({ required: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(VolumeClone);
    const { Name } = await (await this.engine()).volumeClone({ name: args.volume, to: args.to, signal: this.signal });
    this.print(Name);
  }
}
