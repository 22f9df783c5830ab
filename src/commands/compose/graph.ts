import { ComposeCommand } from '../../cli/compose-command.ts';
import { Flags } from '../../cli/flags.ts';

export default class Graph extends ComposeCommand {
  static override summary = 'Show which service depends on which';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    format: Flags.string({
      summary: 'A tree, a Mermaid flowchart, a graphviz file or a drawing',
      options: ['text', 'mermaid', 'dot', 'svg'],
      default: 'text',
    }),
    image: Flags.boolean({ summary: 'With the image of each service' }),
    networks: Flags.boolean({ summary: 'With the networks of each service' }),
    ports: Flags.boolean({ summary: 'With the ports of each service' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Graph);
    const { project } = await this.project(argv as string[], { resolveEnvironment: false });
    const { graphOf } = await import('../../compose/graph/model.ts');
    const graph = graphOf(project, argv as string[]);
    process.stdout.write(await render(graph, flags));
  }
}

async function render(
  graph: import('../../compose/graph/model.ts').Graph,
  flags: { readonly format: string; readonly image: boolean; readonly networks: boolean; readonly ports: boolean },
): Promise<string> {
  switch (flags.format) {
    case 'mermaid':
      return (await import('../../compose/graph/mermaid.ts')).toMermaid(graph, flags);
    case 'dot':
      return (await import('../../compose/graph/dot.ts')).toDot(graph, flags);
    case 'svg':
      return (await import('../../compose/graph/svg.ts')).toSvg(graph, flags);
    default:
      return (await import('../../compose/graph/text.ts')).toText(graph, flags);
  }
}
