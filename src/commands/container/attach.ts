import { attachContainer } from '../../cli/attach-container.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';

export default class Attach extends BaseCommand {
  static override summary = 'Attach to the streams of a running container';
  static override synopsis = '[OPTIONS] CONTAINER';
  static override args = { container: Args.string({ required: true }) };
  static override flags = {
    'detach-keys': Flags.string({ summary: 'Keys that leave the container running' }),
    'no-stdin': Flags.boolean({ summary: 'Do not hand on standard input' }),
    'sig-proxy': Flags.boolean({ summary: 'Hand signals on to the process', default: true, allowNo: true }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Attach);
    return attachContainer(await this.engine(), args.container, {
      stdin: !flags['no-stdin'],
      signalProxy: flags['sig-proxy'],
      detachKeys: flags['detach-keys'],
      hint: `iechor start -a ${args.container}`,
    });
  }
}
