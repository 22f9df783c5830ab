import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BaseCommand } from '../../cli/base-command.ts';
import { resolveEndpoint } from '../../cli/endpoint.ts';
import { Flags } from '../../cli/flags.ts';
import { IechorError } from '../../common/error.ts';

export default class DaemonLogs extends BaseCommand {
  static override summary = 'Show the log of the engine that commands started in the background';
  static override flags = { tail: Flags.integer({ char: 'n', summary: 'Number of lines from the end', min: 0 }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(DaemonLogs);
    const endpoint = resolveEndpoint(this.globals, process.env);
    const own = 'own' in endpoint ? endpoint.own : undefined;
    if (!own)
      throw new IechorError('USAGE', 'the log of an engine named by its address is not known here', {
        hint: 'leave -H, IECHOR_HOST and DOCKER_HOST away',
      });
    const file = join(own.execRoot, 'iechord.log');
    if (!existsSync(file))
      throw new IechorError('NOT_FOUND', `there is no log at ${file}`, {
        hint: 'the engine has not been started in the background',
      });
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    this.print((flags.tail === undefined ? lines : lines.slice(lines.length - flags.tail)).join('\n'));
  }
}
