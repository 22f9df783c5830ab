import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { ipamPools } from '../../cli/ipam-pools.ts';
import { keyValues } from '../../cli/key-values.ts';

const several = (summary: string, char?: 'o') =>
  Flags.string({ summary, multiple: true, multipleNonGreedy: true, ...(char ? { char } : {}) });

export default class NetworkCreate extends BaseCommand {
  static override summary = 'Create a network';
  static override synopsis = '[OPTIONS] NETWORK';
  static override args = { name: Args.string({ required: true }) };
  static override flags = {
    attachable: Flags.boolean({ summary: 'Let containers be attached by hand' }),
    'aux-address': several('Address that must not be given out (name=address)'),
    'config-from': Flags.string({ summary: 'Network to take the configuration from' }),
    'config-only': Flags.boolean({ summary: 'Keep it as a configuration for other networks' }),
    driver: Flags.string({ char: 'd', summary: 'Driver of the network', default: 'bridge' }),
    gateway: several('Gateway of the subnet'),
    ingress: Flags.boolean({ summary: 'Make the network through which a swarm is reached' }),
    internal: Flags.boolean({ summary: 'No way to the outside' }),
    'ip-range': several('Part of the subnet to give addresses from'),
    'ipam-driver': Flags.string({ summary: 'Driver of the addresses', default: 'default' }),
    'ipam-opt': several('Option of the driver of the addresses'),
    ipv4: Flags.boolean({ summary: 'Give IPv4 addresses (default true)', default: true, allowNo: true }),
    ipv6: Flags.boolean({ summary: 'Give IPv6 addresses too' }),
    label: several('Set a label (key=value)'),
    opt: several('Option of the driver', 'o'),
    scope: Flags.string({ summary: 'Scope of the network' }),
    subnet: several('Subnet in CIDR form'),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(NetworkCreate);
    const pools = ipamPools({
      subnets: flags.subnet ?? [],
      gateways: flags.gateway ?? [],
      ranges: flags['ip-range'] ?? [],
      auxiliary: keyValues(flags['aux-address']),
    });
    const body = {
      Name: args.name,
      Driver: flags.driver,
      Internal: flags.internal,
      Attachable: flags.attachable,
      Ingress: flags.ingress,
      ...(flags.ipv4 ? {} : { EnableIPv4: false }),
      EnableIPv6: flags.ipv6,
      ...(flags.scope ? { Scope: flags.scope } : {}),
      ConfigOnly: flags['config-only'],
      ...(flags['config-from'] ? { ConfigFrom: { Network: flags['config-from'] } } : {}),
      IPAM: { Driver: flags['ipam-driver'], Config: pools, Options: keyValues(flags['ipam-opt']) },
      Options: keyValues(flags.opt),
      Labels: keyValues(flags.label),
    };
    const { Id, Warning } = await (await this.engine()).networkCreate({ body });
    if (Warning) process.stderr.write(`WARNING: ${Warning}\n`);
    this.print(Id);
  }
}
