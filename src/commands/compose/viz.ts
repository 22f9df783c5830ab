import { ComposeCommand } from '../../cli/compose-command.ts';
import { Flags } from '../../cli/flags.ts';
import { toDot } from '../../compose/graph/dot.ts';
import { graphOf } from '../../compose/graph/model.ts';

export default class Viz extends ComposeCommand {
  static override summary = 'Print the dependencies of services for graphviz (see graph)';
  static override flags = {
    image: Flags.boolean({ summary: 'With the image of each service' }),
    'indentation-size': Flags.integer({ summary: 'Tabs or spaces of one indentation', default: 1, min: 0 }),
    networks: Flags.boolean({ summary: 'With the networks of each service' }),
    ports: Flags.boolean({ summary: 'With the ports of each service' }),
    spaces: Flags.boolean({ summary: 'Spaces instead of tabs' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Viz);
    const { project } = await this.project([], { resolveEnvironment: false });
    const indentation = (flags.spaces ? ' ' : '\t').repeat(flags['indentation-size']);
    this.print(toDot(graphOf(project, []), flags, indentation));
  }
}
