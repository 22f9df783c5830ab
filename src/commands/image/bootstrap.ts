import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { openInput } from '../../cli/open-input.ts';
import { printProgress } from '../../cli/progress-stream.ts';

export default class Bootstrap extends BaseCommand {
  static override summary = "Make a base image from a distribution's packages, without a registry";
  static override synopsis = '[OPTIONS] NAME[:TAG]';
  static override examples = ['iechor image bootstrap debian:bookworm-slim'];
  static override args = { image: Args.string({ required: true }) };
  static override flags = {
    keyring: Flags.string({ summary: "File with the archive's public keys, where this machine has none" }),
    mirror: Flags.string({ summary: 'Address of the package mirror' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print the id of the image only' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Bootstrap);
    const engine = await this.engine();
    const { mirror } = flags;
    const body = flags.keyring === undefined ? undefined : openInput(flags.keyring);
    const messages = engine.imageBootstrap({ reference: args.image, mirror, body, signal: this.signal });
    const aux = await printProgress(messages, { sink: flags.quiet ? undefined : process.stderr });
    if (aux.ID) this.print(aux.ID);
  }
}
