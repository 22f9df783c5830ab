import { BaseCommand } from '../../cli/base-command.ts';
import { confirm } from '../../cli/confirm.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { prunedText, pruneVolumes } from '../../cli/prune.ts';

export default class VolumePrune extends BaseCommand {
  static override summary = 'Remove volumes that no container uses';
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also those with names' }),
    filter: Flags.string({ summary: 'Only those that match (name=value)', multiple: true, multipleNonGreedy: true }),
    force: Flags.boolean({ char: 'f', summary: 'Do not ask' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(VolumePrune);
    const question = flags.all ? 'all volumes that no container uses' : 'anonymous volumes that no container uses';
    if (!flags.force && !(await confirm(`WARNING! This will remove ${question}. Continue?`))) return 1;
    const pruned = await pruneVolumes(await this.engine(), {
      filters: parseFilters(flags.filter),
      all: flags.all,
      signal: this.signal,
    });
    this.print(prunedText([pruned]));
    return 0;
  }
}
