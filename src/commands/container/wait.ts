import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';

export default class Wait extends BaseCommand {
  static override summary = 'Wait until one or more containers stop, then print their exit codes';
  static override synopsis = 'CONTAINER [CONTAINER...]';
  static override strict = false;

  async run(): Promise<number> {
    const { argv } = await this.parse(Wait);
    const engine = await this.engine();
    const wait = async (id: string) =>
      this.print(String((await engine.containerWait({ id, signal: this.signal })).StatusCode));
    return eachTarget(argv as string[], wait, { quiet: true });
  }
}
