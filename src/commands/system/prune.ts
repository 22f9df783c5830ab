import { BaseCommand } from '../../cli/base-command.ts';
import { confirm } from '../../cli/confirm.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import {
  type Pruned,
  pruneBuilds,
  pruneContainers,
  prunedText,
  pruneImages,
  pruneNetworks,
  pruneVolumes,
} from '../../cli/prune.ts';
import { IechorError } from '../../common/error.ts';

export default class SystemPrune extends BaseCommand {
  static override summary = 'Remove whatever nothing uses';
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'All images that no container uses, and all of the build cache' }),
    filter: Flags.string({ summary: 'Only those that match (name=value)', multiple: true, multipleNonGreedy: true }),
    force: Flags.boolean({ char: 'f', summary: 'Do not ask' }),
    volumes: Flags.boolean({ summary: 'Also anonymous volumes that no container uses' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(SystemPrune);
    const { all } = flags;
    const { until, ...labels } = parseFilters(flags.filter);
    if (flags.volumes && until) {
      throw new IechorError('USAGE', 'the filter "until" is not for volumes: --volumes has none of their age', {
        hint: 'leave --volumes or the filter away',
      });
    }
    const what = [
      'stopped containers, networks that no container uses',
      ...(flags.volumes ? ['anonymous volumes that no container uses'] : []),
      flags.all ? 'all images that no container uses, the build cache' : 'images without a name, unshared build cache',
    ];
    if (!flags.force && !(await confirm(`WARNING! This will remove ${what.join(', ')}. Continue?`))) return 1;
    const engine = await this.engine();
    const filters = { ...labels, ...(until && { until }) };
    const request = { filters, signal: this.signal };
    const pruned: Pruned[] = [await pruneContainers(engine, request), await pruneNetworks(engine, request)];
    // Docker has no labels of build steps.
    if (flags.volumes) pruned.push(await pruneVolumes(engine, { ...request, filters: labels, all: false }));
    pruned.push(await pruneImages(engine, { ...request, all }));
    pruned.push(await pruneBuilds(engine, { ...request, filters: until ? { until } : {}, all }));
    this.print(prunedText(pruned));
    return 0;
  }
}
