import { BaseCommand } from '../../cli/base-command.ts';
import { confirm } from '../../cli/confirm.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { prunedText, pruneImages } from '../../cli/prune.ts';

export default class ImagePrune extends BaseCommand {
  static override summary = 'Remove images that nothing uses';
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also those with names' }),
    filter: Flags.string({ summary: 'Only those that match (name=value)', multiple: true, multipleNonGreedy: true }),
    force: Flags.boolean({ char: 'f', summary: 'Do not ask' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(ImagePrune);
    const question = flags.all ? 'all images that no container uses' : 'all images without a name';
    if (!flags.force && !(await confirm(`WARNING! This will remove ${question}. Continue?`))) return 1;
    const pruned = await pruneImages(await this.engine(), {
      filters: parseFilters(flags.filter),
      all: flags.all,
      signal: this.signal,
    });
    this.print(prunedText([pruned]));
    return 0;
  }
}
