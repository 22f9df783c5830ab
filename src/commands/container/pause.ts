import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';

export default class Pause extends BaseCommand {
  static override summary = 'Suspend all processes of one or more containers';
  static override synopsis = 'CONTAINER [CONTAINER...]';
  static override strict = false;

  async run(): Promise<number> {
    const { argv } = await this.parse(Pause);
    const engine = await this.engine();
    return eachTarget(argv as string[], (id) => engine.containerPause({ id }));
  }
}
