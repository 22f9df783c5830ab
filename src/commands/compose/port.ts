import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { IechorError } from '../../common/error.ts';
import { publishedPort } from '../../compose/port.ts';

export default class Port extends ComposeCommand {
  static override summary = 'Show where a port of a service is published';
  static override synopsis = '[OPTIONS] SERVICE PRIVATE_PORT';
  static override args = { service: Args.string({ required: true }), port: Args.string({ required: true }) };
  static override flags = {
    index: composeFlags.index,
    protocol: Flags.string({ summary: 'Protocol of the port', default: 'tcp', options: ['tcp', 'udp', 'sctp'] }),
  };

  async run(): Promise<void> {
    const { flags, args } = await this.parse(Port);
    const [number = '', protocol = flags.protocol] = args.port.split('/');
    const port = Number(number);
    if (!Number.isInteger(port)) throw new IechorError('USAGE', `"${args.port}" is not a port`);
    const { engine, target } = await this.engineAndTarget();
    const { service } = args;
    this.print(
      await publishedPort(engine, target, { service, port, protocol, index: flags.index, signal: this.signal }),
    );
  }
}
