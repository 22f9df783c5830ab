import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { Flags } from '../../cli/flags.ts';

export default class Rm extends BaseCommand {
  static override summary = 'Remove one or more containers';
  static override synopsis = '[OPTIONS] CONTAINER [CONTAINER...]';
  static override strict = false;
  static override flags = {
    force: Flags.boolean({ char: 'f', summary: 'Kill it first when it runs' }),
    volumes: Flags.boolean({ char: 'v', summary: 'Remove its anonymous volumes too' }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Rm);
    const engine = await this.engine();
    return eachTarget(argv as string[], (id) => engine.containerRemove({ id, force: flags.force, v: flags.volumes }));
  }
}
