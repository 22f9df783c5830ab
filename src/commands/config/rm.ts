import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';

export default class ConfigRm extends BaseCommand {
  static override summary = 'Remove one or more configs';
  static override synopsis = 'CONFIG [CONFIG...]';
  static override strict = false;

  async run(): Promise<number> {
    const { argv } = await this.parse(ConfigRm);
    const engine = await this.engine();
    return eachTarget(argv as string[], (id) => engine.configRemove({ id }), { noun: 'config' });
  }
}
