import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { Flags } from '../../cli/flags.ts';
import { ignoreMissing } from '../../cli/ignore-missing.ts';

export default class NetworkRm extends BaseCommand {
  static override summary = 'Remove one or more networks';
  static override synopsis = '[OPTIONS] NETWORK [NETWORK...]';
  static override strict = false;
  static override flags = { force: Flags.boolean({ char: 'f', summary: 'No error when there is none' }) };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(NetworkRm);
    const engine = await this.engine();
    const remove = async (id: string) => {
      await engine.networkRemove({ id }).catch(ignoreMissing(flags.force));
    };
    return eachTarget(argv as string[], remove, { noun: 'network' });
  }
}
