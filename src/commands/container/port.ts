import { BaseCommand } from '../../cli/base-command.ts';
import { Args } from '../../cli/flags.ts';
import { IechorError } from '../../common/error.ts';

export default class Port extends BaseCommand {
  static override summary = 'List the published ports of a container';
  static override synopsis = 'CONTAINER [PRIVATE_PORT[/PROTOCOL]]';
  static override args = { container: Args.string({ required: true }), port: Args.string() };

  async run(): Promise<void> {
    const { args } = await this.parse(Port);
    const { NetworkSettings } = await (await this.engine()).containerInspect({ id: args.container });
    const wanted = args.port && (args.port.includes('/') ? args.port : `${args.port}/tcp`);
    if (wanted && !NetworkSettings.Ports[wanted]?.length)
      throw new IechorError('NOT_FOUND', `port ${wanted} of "${args.container}" is not published`);
    for (const [port, bindings] of Object.entries(NetworkSettings.Ports)) {
      for (const binding of bindings ?? []) {
        const address = `${binding.HostIp?.includes(':') ? `[${binding.HostIp}]` : binding.HostIp || '0.0.0.0'}:${binding.HostPort}`;
        if (!wanted) this.print(`${port} -> ${address}`);
        else if (port === wanted) this.print(address);
      }
    }
  }
}
