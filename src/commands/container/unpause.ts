import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';

export default class Unpause extends BaseCommand {
  static override summary = 'Let the processes of one or more paused containers go on';
  static override synopsis = 'CONTAINER [CONTAINER...]';
  static override strict = false;

  async run(): Promise<number> {
    const { argv } = await this.parse(Unpause);
    const engine = await this.engine();
    return eachTarget(argv as string[], (id) => engine.containerUnpause({ id }));
  }
}
