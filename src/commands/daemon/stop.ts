import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BaseCommand } from '../../cli/base-command.ts';
import { runningDaemon } from '../../cli/daemon-connection.ts';
import { Flags } from '../../cli/flags.ts';
import { waitForEnd } from '../../cli/wait-for-end.ts';
import { codeOf, IechorError } from '../../common/error.ts';

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
    removeRoot(status.dataRoot);
    removeRoot(status.execRoot);
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

function removeRoot(path: string): void {
  if (!existsSync(path)) return;
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
  try {
    rmdirSync(path);
  } catch (error) {
    // A file system of its own is mounted there: it is emptied, and stays.
    if (codeOf(error) !== 'EBUSY') throw error;
  }
}
