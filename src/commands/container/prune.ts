import { BaseCommand } from '../../cli/base-command.ts';
import { confirm } from '../../cli/confirm.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { pruneContainers, prunedText } from '../../cli/prune.ts';

export default class ContainerPrune extends BaseCommand {
  static override summary = 'Remove all containers that do not run';
  static override flags = {
    filter: Flags.string({ summary: 'Only those that match (name=value)', multiple: true, multipleNonGreedy: true }),
    force: Flags.boolean({ char: 'f', summary: 'Do not ask' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(ContainerPrune);
    const question = 'all stopped containers';
    if (!flags.force && !(await confirm(`WARNING! This will remove ${question}. Continue?`))) return 1;
    const pruned = await pruneContainers(await this.engine(), {
      filters: parseFilters(flags.filter),
      signal: this.signal,
    });
    this.print(prunedText([pruned]));
    return 0;
  }
}
