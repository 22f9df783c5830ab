import { ContextCommand } from '../../cli/context-command.ts';
import { contentOf, contextContent } from '../../cli/context-content.ts';
import { listContexts, writeContext } from '../../cli/contexts.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { IechorError } from '../../common/error.ts';

export default class ContextCreate extends ContextCommand {
  static override summary = 'Create a context: a name for an engine';
  static override synopsis = '[OPTIONS] CONTEXT';
  static override args = { name: Args.string({ required: true }) };
  static override flags = {
    description: Flags.string({ summary: 'Description of the context' }),
    docker: Flags.string({ summary: 'Address: host=ADDRESS[,ca=FILE,cert=FILE,key=FILE,skip-tls-verify=BOOL]' }),
    from: Flags.string({ summary: 'Make it from another context' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ContextCreate);
    if (listContexts(this.directory).some(({ name }) => name === args.name))
      throw new IechorError('NAME_IN_USE', `there is a context "${args.name}" already`);
    const from = flags.from === undefined ? undefined : contentOf(this.context(flags.from));
    writeContext(this.directory, args.name, contextContent(flags, from));
    this.print(args.name);
    process.stderr.write(`Successfully created context "${args.name}"\n`);
  }
}
