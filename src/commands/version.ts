import { BaseCommand } from '../cli/base-command.ts';
import { currentContext } from '../cli/contexts.ts';
import { configDirectory } from '../cli/credential-config.ts';
import { Flags } from '../cli/flags.ts';
import { formatValue } from '../cli/render/format.ts';
import { describeFailure } from '../cli/report-error.ts';
import { versionsOf, versionText } from '../cli/version-text.ts';
import { version } from '../common/version.ts';

export default class Version extends BaseCommand {
  static override summary = 'Show the versions of this program and of the engine';
  static override flags = {
    format: Flags.string({ char: 'f', summary: 'json, or a Go template of Client and Server' }),
    short: Flags.boolean({ summary: 'Only the version number of this program' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(Version);
    if (flags.short) {
      this.print(version);
      return 0;
    }
    let failure: unknown;
    const server = await this.engine()
      .then((engine) => engine.systemVersion({ signal: this.signal }))
      .catch((error: unknown) => {
        failure = error;
        return undefined;
      });
    const context =
      this.globals.context ?? currentContext(configDirectory(this.globals.config, process.env), process.env);
    const versions = versionsOf(context, server);
    this.print(
      flags.format === undefined ? versionText(versions) : formatValue(versions, flags.format, { strict: true }),
    );
    if (failure === undefined) return 0;
    const { text, exit } = describeFailure(failure, {
      debug: this.globals.debug,
      command: 'iechor version',
      usageExit: 1,
    });
    process.stderr.write(`${text}\n`);
    return exit;
  }
}
