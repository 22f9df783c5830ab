import { BaseCommand } from '../../cli/base-command.ts';
import { runningDaemon } from '../../cli/daemon-connection.ts';
import { Flags } from '../../cli/flags.ts';
import { formatValue } from '../../cli/render/format.ts';
import { humanDuration } from '../../common/duration.ts';

export default class DaemonStatusCommand extends BaseCommand {
  static override summary = 'Say whether the engine runs, since when, and on which roots';
  static override flags = { format: Flags.string({ char: 'f', summary: 'json, or a Go template' }) };

  async run(): Promise<number> {
    const { flags } = await this.parse(DaemonStatusCommand);
    const daemon = await runningDaemon(this.globals);
    if (!daemon) {
      this.print('not running (it starts with the first command that needs it)');
      return 3;
    }
    const status = await daemon.daemonStatus({});
    if (flags.format) {
      this.print(formatValue(status, flags.format));
      return 0;
    }
    this.print(
      `running for ${humanDuration(status.uptimeSeconds).toLowerCase()}, process ${status.pid}, version ${status.version}`,
    );
    this.print(`containers running: ${status.containersRunning}`);
    this.print(`listening on: ${status.hosts.join(', ')}`);
    this.print(
      `data: ${status.dataRoot}   runtime state: ${status.execRoot}   log: ${status.logPath || 'standard error'}`,
    );
    return 0;
  }
}
