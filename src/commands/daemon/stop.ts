import { rmSync } from 'node:fs';
import { BaseCommand } from '../../cli/base-command.ts';
import { runningDaemon } from '../../cli/daemon-connection.ts';
import { Flags } from '../../cli/flags.ts';
import { waitForEnd } from '../../cli/wait-for-end.ts';
import { IechorError } from '../../common/error.ts';

export default class DaemonStop extends BaseCommand {
  static override summary = 'End the engine; running containers go on, and the next command adopts them';
  static override flags = {
    force: Flags.boolean({ char: 'f', summary: 'Also while requests are under way' }),
    purge: Flags.boolean({
      summary: "Remove all it stored too (images, volumes, containers' data); refused while containers exist",
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(DaemonStop);
    const daemon = await runningDaemon(this.globals);
    if (!daemon) {
      process.stderr.write('the engine is not running\n');
      return;
    }
    const status = await daemon.daemonStatus({});
    if (flags.purge) await this.#refuseWithContainers();
    const { containersRunning } = await daemon.daemonStop({ force: flags.force });
    await waitForEnd(status.pid);
    if (containersRunning > 0) process.stderr.write(`${containersRunning} container(s) go on running\n`);
    if (!flags.purge) return;
    rmSync(status.dataRoot, { recursive: true, force: true });
    rmSync(status.execRoot, { recursive: true, force: true });
  }

  async #refuseWithContainers(): Promise<void> {
    const containers = await (await this.engine()).containerList({ all: true });
    if (containers.length === 0) return;
    const names = containers.map((container) => container.Names[0]?.replace(/^\//, '') ?? container.Id).join(', ');
    throw new IechorError('IN_USE', `there are containers: ${names}`, {
      hint: 'remove them first (iechor rm -f NAME), or stop without --purge',
    });
  }
}
