import { BaseCommand } from '../../cli/base-command.ts';
import { Args } from '../../cli/flags.ts';

export default class VolumeSnapshot extends BaseCommand {
  static override summary =
    'Keep the content a volume has now in a volume of its own; containers that use it are frozen meanwhile';
  static override synopsis = 'VOLUME [NAME]';
  static override args = { volume: Args.string({ required: true }), name: Args.string() };

  async run(): Promise<void> {
    const { args } = await this.parse(VolumeSnapshot);
    const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
    const labels = { 'io.iechor.snapshot-of': args.volume };
    const request = { name: args.volume, to: `${args.volume}.${args.name ?? stamp}`, labels, signal: this.signal };
    this.print((await (await this.engine()).volumeClone(request)).Name);
  }
}
