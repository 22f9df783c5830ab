import { attachContainer } from '../../cli/attach-container.ts';
import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { findContainer } from '../../compose/state.ts';

export default class Attach extends ComposeCommand {
  static override summary = "Attach to the streams of a service's running container";
  static override synopsis = '[OPTIONS] SERVICE';
  static override args = { service: Args.string({ required: true }) };
  static override flags = {
    'detach-keys': Flags.string({ summary: 'Keys that leave the container running' }),
    index: composeFlags.index,
    'no-stdin': Flags.boolean({ summary: 'Do not hand on standard input' }),
    'sig-proxy': Flags.boolean({ summary: 'Hand signals on to the process', default: true, allowNo: true }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Attach);
    const { service } = args;
    const { engine, target } = await this.engineAndTarget();
    const { index } = flags;
    const { id, name } = await findContainer(engine, target, { service, index, running: true, signal: this.signal });
    if (this.isDryRun(flags)) {
      this.print(`would attach to ${name}`);
      return 0;
    }
    this.handOnSignals();
    return attachContainer(engine, id, {
      stdin: !flags['no-stdin'],
      signalProxy: flags['sig-proxy'],
      detachKeys: flags['detach-keys'],
      hint: `start it: start ${service}`,
    });
  }
}
