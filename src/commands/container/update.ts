import { BaseCommand } from '../../cli/base-command.ts';
import { updateBody } from '../../cli/container-body.ts';
import { containerFlags } from '../../cli/container-flags.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { IechorError } from '../../common/error.ts';

const { cpus, memory, restart } = containerFlags;

export default class Update extends BaseCommand {
  static override summary = 'Change the limits and the restart policy of one or more containers';
  static override synopsis = '[OPTIONS] CONTAINER [CONTAINER...]';
  static override strict = false;
  static override flags = {
    'blkio-weight': containerFlags['blkio-weight'],
    'cpu-period': containerFlags['cpu-period'],
    'cpu-quota': containerFlags['cpu-quota'],
    'cpu-rt-period': containerFlags['cpu-rt-period'],
    'cpu-rt-runtime': containerFlags['cpu-rt-runtime'],
    'cpu-shares': containerFlags['cpu-shares'],
    cpus,
    'cpuset-cpus': containerFlags['cpuset-cpus'],
    'cpuset-mems': containerFlags['cpuset-mems'],
    memory,
    'memory-reservation': containerFlags['memory-reservation'],
    'memory-swap': containerFlags['memory-swap'],
    'pids-limit': containerFlags['pids-limit'],
    restart,
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Update);
    const body = updateBody(flags);
    if (Object.keys(body).length === 0) {
      throw new IechorError('USAGE', 'nothing to change was given', { hint: 'e.g. --memory 1g, --restart always' });
    }
    const engine = await this.engine();
    return eachTarget(argv as string[], async (id) => {
      const { Warnings } = await engine.containerUpdate({ id, body });
      for (const warning of Warnings ?? []) process.stderr.write(`WARNING: ${warning}\n`);
    });
  }
}
