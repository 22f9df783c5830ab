import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { Flags } from '../../cli/flags.ts';
import { ignoreMissing } from '../../cli/ignore-missing.ts';

export default class VolumeRm extends BaseCommand {
  static override summary = 'Remove one or more volumes';
  static override synopsis = '[OPTIONS] VOLUME [VOLUME...]';
  static override strict = false;
  static override flags = { force: Flags.boolean({ char: 'f', summary: 'No error when there is none' }) };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(VolumeRm);
    const engine = await this.engine();
    const remove = async (id: string) => {
      await engine.volumeRemove({ name: id, force: flags.force }).catch(ignoreMissing(flags.force));
    };
    return eachTarget(argv as string[], remove, { noun: 'volume' });
  }
}
