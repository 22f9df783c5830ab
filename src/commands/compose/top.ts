import { ComposeCommand } from '../../cli/compose-command.ts';
import { renderTable } from '../../cli/render/table.ts';
import { top } from '../../compose/top.ts';

export default class Top extends ComposeCommand {
  static override summary = 'Show the running processes of services';
  static override synopsis = '[SERVICE...]';
  static override strict = false;

  async run(): Promise<void> {
    const { argv } = await this.parse(Top);
    const { engine, target } = await this.engineAndTarget();
    const found = await top(engine, target, { services: argv as string[], signal: this.signal });
    const [first] = found;
    if (!first) return;
    const rows = found.flatMap(({ container, processes }) =>
      processes.Processes.map((process) => [container.service, String(container.number), ...process]),
    );
    this.print(renderTable(['SERVICE', '#', ...first.processes.Titles], rows, { least: 4, gap: 2 }));
  }
}
