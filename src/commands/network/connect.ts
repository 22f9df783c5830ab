import { BaseCommand } from '../../cli/base-command.ts';
import { connectSettings } from '../../cli/connect-flags.ts';
import { Args, Flags } from '../../cli/flags.ts';

const several = (summary: string) => Flags.string({ summary, multiple: true, multipleNonGreedy: true });

export default class NetworkConnect extends BaseCommand {
  static override summary = 'Connect a container to a network';
  static override synopsis = '[OPTIONS] NETWORK CONTAINER';
  static override args = { network: Args.string({ required: true }), container: Args.string({ required: true }) };
  static override flags = {
    alias: several('Further name on the network'),
    'driver-opt': several('Option of the driver for this end (key=value)'),
    'gw-priority': Flags.integer({ summary: 'The network with the highest has the default gateway', helpValue: 'int' }),
    ip: Flags.string({ summary: 'IPv4 address' }),
    ip6: Flags.string({ summary: 'IPv6 address' }),
    link: several('Another container that this one finds, also by an alias (container:alias)'),
    'link-local-ip': several('Link-local address'),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(NetworkConnect);
    const body = { Container: args.container, EndpointConfig: connectSettings(flags) };
    await (await this.engine()).networkConnect({ id: args.network, body });
  }
}
