import { BaseCommand } from '../../cli/base-command.ts';
import { Args } from '../../cli/flags.ts';

export default class Rename extends BaseCommand {
  static override summary = 'Rename a container';
  static override synopsis = 'CONTAINER NEW_NAME';
  static override args = { container: Args.string({ required: true }), name: Args.string({ required: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(Rename);
    await (await this.engine()).containerRename({ id: args.container, name: args.name });
  }
}
