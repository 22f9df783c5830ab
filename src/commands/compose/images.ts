import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { renderTable } from '../../cli/render/table.ts';
import { formatBytes } from '../../common/bytes.ts';
import { humanDuration } from '../../common/duration.ts';
import { shortId } from '../../common/id.ts';
import { images } from '../../compose/images.ts';

const titles = ['CONTAINER', 'REPOSITORY', 'TAG', 'PLATFORM', 'IMAGE ID', 'SIZE', 'CREATED'];

export default class Images extends ComposeCommand {
  static override summary = 'List the images the containers were made from';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    format: Flags.string({ summary: 'table or json', options: ['table', 'json'] }),
    quiet: composeFlags.quiet,
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Images);
    const { engine, target } = await this.engineAndTarget();
    const rows = await images(engine, target, { services: argv as string[], signal: this.signal });
    if (flags.quiet) for (const id of new Set(rows.map((row) => row.id.replace(/^sha256:/, '')))) this.print(id);
    else if (flags.format === 'json') {
      const objects = rows.map((row) => ({
        ID: row.id,
        ContainerName: row.container,
        Repository: row.repository,
        Tag: row.tag,
        Platform: row.platform,
        Size: row.sizeBytes,
        LastTagTime: row.since,
      }));
      this.print(JSON.stringify(objects));
    } else {
      const cells = rows.map((row) => [
        row.container,
        row.repository,
        row.tag,
        row.platform,
        shortId(row.id),
        formatBytes(row.sizeBytes),
        `${humanDuration((Date.now() - Date.parse(row.since)) / 1000)} ago`,
      ]);
      this.print(renderTable(titles, cells, { least: 20 }));
    }
  }
}
