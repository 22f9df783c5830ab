import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
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
    driver: Flags.string({ char: 'd', summary: 'Driver of the network', default: 'bridge' }),
    gateway: several('Gateway of the subnet'),
    internal: Flags.boolean({ summary: 'No way to the outside' }),
    'ip-range': several('Part of the subnet to give addresses from'),
    ipv6: Flags.boolean({ summary: 'Give IPv6 addresses too' }),
    label: several('Set a label (key=value)'),
    opt: several('Option of the driver', 'o'),
    subnet: several('Subnet in CIDR form'),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(NetworkCreate);
    const pools = (flags.subnet ?? []).map((Subnet, index) => ({
      Subnet,
      ...(flags.gateway?.[index] ? { Gateway: flags.gateway[index] } : {}),
      ...(flags['ip-range']?.[index] ? { IPRange: flags['ip-range'][index] } : {}),
      ...(index === 0 && flags['aux-address'] ? { AuxiliaryAddresses: keyValues(flags['aux-address']) } : {}),
    }));
    const body = {
      Name: args.name,
      Driver: flags.driver,
      Internal: flags.internal,
      Attachable: flags.attachable,
      EnableIPv6: flags.ipv6,
      IPAM: { Driver: 'default', Config: pools },
      Options: keyValues(flags.opt),
      Labels: keyValues(flags.label),
    };
    const { Id, Warning } = await (await this.engine()).networkCreate({ body });
    if (Warning) process.stderr.write(`WARNING: ${Warning}\n`);
    this.print(Id);
  }
}
