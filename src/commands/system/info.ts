import { BaseCommand } from '../../cli/base-command.ts';
import { currentContext } from '../../cli/contexts.ts';
import { configDirectory } from '../../cli/credential-config.ts';
import { Flags } from '../../cli/flags.ts';
import { clientLines, infoText } from '../../cli/info-text.ts';
import { formatValue } from '../../cli/render/format.ts';
import { version } from '../../common/version.ts';

export default class Info extends BaseCommand {
  static override summary = 'Show what the engine is and what it holds';
  static override flags = { format: Flags.string({ char: 'f', summary: 'json, or a Go template' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(Info);
    const { debug, context: given, config } = this.globals;
    const context = given ?? currentContext(configDirectory(config, process.env), process.env);
    const client = { version, context, debug };
    const asked = this.engine().then((engine) => engine.systemInfo({}));
    if (flags.format) return this.print(formatValue(await asked, flags.format, { strict: true }));
    const info = await asked.catch((error: unknown) => {
      this.print([...clientLines(client), '', 'Server:'].join('\n'));
      throw error;
    });
    this.print(infoText(client, info));
    for (const warning of info.Warnings ?? []) {
      process.stderr.write(`${warning.startsWith('WARNING') ? '' : 'WARNING: '}${warning}\n`);
    }
  }
}
