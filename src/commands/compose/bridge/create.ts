import { ComposeCommand } from '../../../cli/compose-command.ts';
import { Args, Flags } from '../../../cli/flags.ts';

export default class Create extends ComposeCommand {
  static override summary = 'Create a transformation of your own: templates of another one, and a build file';
  static override synopsis = '[OPTIONS] PATH';
  static override args = { path: Args.string({ required: true }) };
  static override flags = {
    from: Flags.string({
      char: 'f',
      summary: 'Transformation to take the templates from (default: docker/compose-bridge-kubernetes)',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Create);
    const { createTransformer, defaultTransformer } = await import('../../../cli/bridge.ts');
    const { from = defaultTransformer } = flags;
    if (this.isDryRun(flags)) return this.print(`would write the templates of ${from} to ${args.path}`);
    const options = { directory: args.path, from, signal: this.signal };
    this.print(`Transformer created in ${JSON.stringify(await createTransformer(await this.engine(), options))}`);
  }
}
