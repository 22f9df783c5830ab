import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { formatRows } from '../../cli/render/format.ts';
import { volumeColumns, volumeRows } from '../../cli/volume-rows.ts';
import { listVolumes } from '../../compose/volumes.ts';

export default class Volumes extends ComposeCommand {
  static override summary = 'List the volumes of the project, or those that services use';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = { format: composeFlags.format, quiet: { ...composeFlags.quiet, summary: 'Only names' } };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Volumes);
    const { engine, target } = await this.engineAndTarget();
    const rows = volumeRows(await listVolumes(engine, target, { services: argv as string[], signal: this.signal }));
    const text = flags.quiet ? rows.map(({ Name }) => Name).join('\n') : formatRows(rows, volumeColumns, flags.format);
    if (text !== '') this.print(text);
  }
}
