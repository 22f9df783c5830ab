import { BaseCommand } from '../cli/base-command.ts';
import { Flags } from '../cli/flags.ts';
import { version } from '../common/version.ts';

export default class Version extends BaseCommand {
  static override summary = 'Show the version of iEchor';
  static override flags = {
    short: Flags.boolean({ summary: 'Only the version number' }),
    format: Flags.string({ char: 'f', summary: 'Output format', options: ['pretty', 'json'], default: 'pretty' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Version);
    if (flags.short) this.print(version);
    else if (flags.format === 'json') this.print(JSON.stringify({ version: `v${version}` }));
    else this.print(`iEchor version ${version}`);
  }
}
