import { BaseCommand } from '../../cli/base-command.ts';
import { parseFilters } from '../../cli/filters.ts';
import { Flags } from '../../cli/flags.ts';
import { instant } from '../../cli/instant.ts';
import { filterFlag } from '../../cli/list-flags.ts';
import { formatValue } from '../../cli/render/format.ts';

export default class Events extends BaseCommand {
  static override summary = 'Show what happens in the engine, as it happens';
  static override flags = {
    filter: filterFlag,
    format: Flags.string({ summary: 'json, or a Go template' }),
    since: Flags.string({ summary: 'From this time on' }),
    until: Flags.string({ summary: 'Up to this time' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Events);
    const now = new Date();
    const events = (await this.engine()).systemEvents({
      filters: parseFilters(flags.filter),
      since: flags.since && instant(flags.since, now),
      until: flags.until && instant(flags.until, now),
      signal: this.signal,
    });
    for await (const event of events) {
      if (flags.format) {
        this.print(formatValue(event, flags.format));
        continue;
      }
      const attributes = Object.entries(event.Actor.Attributes)
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([key, value]) => `${key}=${value}`);
      this.print(
        `${new Date(event.timeNano / 1e6).toISOString()} ${event.Type} ${event.Action} ${event.Actor.ID} (${attributes.join(', ')})`,
      );
    }
  }
}
