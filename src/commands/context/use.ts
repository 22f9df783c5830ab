import { ContextCommand } from '../../cli/context-command.ts';
import { useContext } from '../../cli/contexts.ts';
import { Args } from '../../cli/flags.ts';

export default class ContextUse extends ContextCommand {
  static override summary = 'Choose the context that commands use from now on';
  static override synopsis = 'CONTEXT';
  static override args = { name: Args.string({ required: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(ContextUse);
    useContext(this.directory, args.name);
    this.print(args.name);
    const { IECHOR_HOST, DOCKER_HOST } = process.env;
    if (IECHOR_HOST || DOCKER_HOST) {
      const name = IECHOR_HOST ? 'IECHOR_HOST' : 'DOCKER_HOST';
      process.stderr.write(`Warning: ${name} is set and overrides the context; unset it to use "${args.name}"\n`);
    }
    process.stderr.write(`Current context is now "${args.name}"\n`);
  }
}
