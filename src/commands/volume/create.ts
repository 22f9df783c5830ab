import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { keyValues } from '../../cli/key-values.ts';

export default class VolumeCreate extends BaseCommand {
  static override summary = 'Create a volume';
  static override synopsis = '[OPTIONS] [VOLUME]';
  static override args = { name: Args.string() };
  static override flags = {
    driver: Flags.string({ char: 'd', summary: 'Driver of the volume', default: 'local' }),
    label: Flags.string({ summary: 'Set a label (key=value)', multiple: true, multipleNonGreedy: true }),
    opt: Flags.string({
      char: 'o',
      summary: 'Option of the driver (type=, device=, o=)',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VolumeCreate);
    const body = {
      Driver: flags.driver,
      DriverOpts: keyValues(flags.opt),
      Labels: keyValues(flags.label),
      ...(args.name ? { Name: args.name } : {}),
    };
    this.print((await (await this.engine()).volumeCreate({ body })).Name);
  }
}
