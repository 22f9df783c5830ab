import { BaseCommand } from '../../cli/base-command.ts';
import { buildCacheDetails } from '../../cli/build-cache-text.ts';
import { bytesFlag } from '../../cli/bytes-flag.ts';
import { builderFlags, checkBuilder } from '../../cli/classic-build-flags.ts';
import { confirm } from '../../cli/confirm.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { pruneBuilds, prunedText } from '../../cli/prune.ts';

export default class BuilderPrune extends BaseCommand {
  static override summary = 'Remove the cache of builds';
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also what images share, and cache mounts' }),
    ...builderFlags,
    filter: Flags.string({ summary: 'Only those that match (name=value)', multiple: true, multipleNonGreedy: true }),
    force: Flags.boolean({ char: 'f', summary: 'Do not ask' }),
    'keep-storage': Flags.string({ summary: 'Same as --reserved-space' }),
    'max-used-space': Flags.string({ summary: 'Size that the cache may have at most' }),
    'min-free-space': Flags.string({ summary: 'Space of the disk that is to be free' }),
    'reserved-space': Flags.string({ summary: 'Leave the steps used last, up to this size' }),
    verbose: Flags.boolean({ summary: 'Everything that is known of each removed step' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(BuilderPrune);
    checkBuilder(flags, this.globals);
    const question = flags.all ? 'all of the build cache' : 'the build cache that no image shares';
    if (!flags.force && !(await confirm(`WARNING! This will remove ${question}. Continue?`))) return 1;
    const engine = await this.engine();
    const known = flags.verbose
      ? await engine.systemDiskUsage({ type: ['build-cache'], signal: this.signal })
      : undefined;
    const pruned = await pruneBuilds(engine, {
      filters: parseFilters(flags.filter),
      all: flags.all,
      keepStorage: bytesFlag('keep-storage', flags['keep-storage']),
      maxUsedSpace: bytesFlag('max-used-space', flags['max-used-space']),
      minFreeSpace: bytesFlag('min-free-space', flags['min-free-space']),
      reservedSpace: bytesFlag('reserved-space', flags['reserved-space']),
      signal: this.signal,
    });
    const removed = new Set(pruned.lines);
    for (const item of known?.BuildCache ?? []) if (removed.has(item.ID)) this.print(`${buildCacheDetails(item)}\n`);
    this.print(prunedText([known ? { ...pruned, lines: [] } : pruned]));
    return 0;
  }
}
