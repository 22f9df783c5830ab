import { ComposeCommand } from '../../cli/compose-command.ts';
import { Flags } from '../../cli/flags.ts';
import { version } from '../../common/version.ts';

export default class Version extends ComposeCommand {
  static override summary = 'Show the version of iEchor Compose';
  static override flags = {
    format: Flags.string({ char: 'f', summary: 'Output format', options: ['pretty', 'json'], default: 'pretty' }),
    short: Flags.boolean({ summary: 'Only the version number' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Version);
    if (flags.short) this.print(version);
    else if (flags.format === 'json') this.print(JSON.stringify({ version }));
    else this.print(`iEchor Compose version ${version}`);
  }
}
