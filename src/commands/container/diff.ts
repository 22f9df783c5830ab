import { BaseCommand } from '../../cli/base-command.ts';
import { Args } from '../../cli/flags.ts';

const letters = ['C', 'A', 'D'];

export default class Diff extends BaseCommand {
  static override summary = "Show what changed in a container's files";
  static override synopsis = 'CONTAINER';
  static override args = { container: Args.string({ required: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(Diff);
    const changes = await (await this.engine()).containerChanges({ id: args.container, signal: this.signal });
    for (const { Kind, Path } of changes ?? []) this.print(`${letters[Kind]} ${Path}`);
  }
}
