import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';

export default class NetworkConnect extends BaseCommand {
  static override summary = 'Connect a container to a network';
  static override synopsis = '[OPTIONS] NETWORK CONTAINER';
  static override args = { network: Args.string({ required: true }), container: Args.string({ required: true }) };
  static override flags = {
    alias: Flags.string({ summary: 'Further name on the network', multiple: true, multipleNonGreedy: true }),
    ip: Flags.string({ summary: 'IPv4 address' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(NetworkConnect);
    const EndpointConfig = {
      ...(flags.alias ? { Aliases: flags.alias } : {}),
      ...(flags.ip ? { IPAMConfig: { IPv4Address: flags.ip } } : {}),
    };
    await (await this.engine()).networkConnect({
      id: args.network,
      body: { Container: args.container, EndpointConfig },
    });
  }
}
