import { ComposeCommand } from '../../../cli/compose-command.ts';
import { Flags } from '../../../cli/flags.ts';

export default class Convert extends ComposeCommand {
  static override summary = 'Convert the project to Kubernetes manifests or another model, by images that can';
  static override flags = {
    output: Flags.string({ char: 'o', summary: 'Directory for the result, made anew', default: 'out' }),
    templates: Flags.string({ summary: 'Directory of templates, in place of those of the transformation' }),
    transformation: Flags.string({
      char: 't',
      summary: 'Image that transforms (several times; default: docker/compose-bridge-kubernetes)',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(Convert);
    const { convert, defaultTransformer } = await import('../../../cli/bridge.ts');
    const { project } = await this.project();
    const { output, templates, transformation: transformations = [defaultTransformer] } = flags;
    if (this.isDryRun(flags)) {
      this.print(`would run ${transformations.join(', ')} and write ${output}`);
      return 0;
    }
    return convert(await this.engine(), project, { output, templates, transformations, signal: this.signal });
  }
}
