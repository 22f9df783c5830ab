import { ContextCommand } from '../../cli/context-command.ts';
import { contentOf, contextContent } from '../../cli/context-content.ts';
import { readContext, writeContext } from '../../cli/contexts.ts';
import { Args, Flags } from '../../cli/flags.ts';

export default class ContextUpdate extends ContextCommand {
  static override summary = 'Change a context';
  static override synopsis = '[OPTIONS] CONTEXT';
  static override args = { name: Args.string({ required: true }) };
  static override flags = {
    description: Flags.string({ summary: 'Description of the context' }),
    docker: Flags.string({ summary: 'Address: host=ADDRESS[,ca=FILE,cert=FILE,key=FILE,skip-tls-verify=BOOL]' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ContextUpdate);
    const former = contentOf(readContext(this.directory, args.name));
    writeContext(this.directory, args.name, contextContent(flags, former));
    this.print(args.name);
    process.stderr.write(`Successfully updated context "${args.name}"\n`);
  }
}
