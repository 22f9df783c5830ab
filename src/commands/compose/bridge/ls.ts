import { transformerLabel } from '../../../cli/bridge.ts';
import { ComposeCommand } from '../../../cli/compose-command.ts';
import { composeFlags } from '../../../cli/compose-flags.ts';
import { Flags } from '../../../cli/flags.ts';
import { renderTable } from '../../../cli/render/table.ts';
import { formatBytes } from '../../../common/bytes.ts';

export default class List extends ComposeCommand {
  static override summary = 'List the transformations that are here';
  static override flags = {
    format: Flags.string({ summary: 'table or json', options: ['table', 'json'], default: 'table' }),
    quiet: { ...composeFlags.quiet, summary: 'Only names' },
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(List);
    const engine = await this.engine();
    const images = await engine.imageList({ filters: { label: [transformerLabel] }, signal: this.signal });
    if (flags.quiet) for (const { RepoTags, Id } of images) this.print(RepoTags[0] ?? Id);
    if (flags.quiet) return;
    if (flags.format === 'json') return this.print(JSON.stringify(images));
    const rows = images.map(({ Id, RepoTags: [name = '<none>:<none>'], Size }) => {
      const at = name.lastIndexOf(':');
      const id = Id.replace('sha256:', '').slice(0, 12);
      return [id, name.slice(0, at), name.slice(at + 1), formatBytes(Size)];
    });
    this.print(renderTable(['IMAGE ID', 'REPO', 'TAGS', 'SIZE'], rows, { least: 20 }));
  }
}
