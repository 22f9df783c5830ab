import { BaseCommand } from '../../cli/base-command.ts';
import { confirm } from '../../cli/confirm.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { prunedText, pruneNetworks } from '../../cli/prune.ts';

export default class NetworkPrune extends BaseCommand {
  static override summary = 'Remove all networks that nothing uses';
  static override flags = {
    filter: Flags.string({ summary: 'Only those that match (name=value)', multiple: true, multipleNonGreedy: true }),
    force: Flags.boolean({ char: 'f', summary: 'Do not ask' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(NetworkPrune);
    const question = 'all networks that no container uses';
    if (!flags.force && !(await confirm(`WARNING! This will remove ${question}. Continue?`))) return 1;
    const pruned = await pruneNetworks(await this.engine(), {
      filters: parseFilters(flags.filter),
      signal: this.signal,
    });
    this.print(prunedText([pruned]));
    return 0;
  }
}
