import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { Flags } from '../../cli/flags.ts';

export default class Rm extends BaseCommand {
  static override summary = 'Remove one or more containers';
  static override synopsis = '[OPTIONS] CONTAINER [CONTAINER...]';
  static override strict = false;
  static override flags = {
    force: Flags.boolean({ char: 'f', summary: 'Kill it first when it runs' }),
    link: Flags.boolean({ char: 'l', summary: 'Remove the link that the name says (/web/db)' }),
    volumes: Flags.boolean({ char: 'v', summary: 'Remove its anonymous volumes too' }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Rm);
    const engine = await this.engine();
    const { force, link, volumes: v } = flags;
    // With --force what is not there is told, and no failure.
    const tolerates = (code: string | undefined) => force && code === 'CONTAINER_NOT_FOUND';
    return eachTarget(argv as string[], (id) => engine.containerRemove({ id, force, v, link }), { tolerates });
  }
}
