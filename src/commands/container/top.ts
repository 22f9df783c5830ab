import { BaseCommand } from '../../cli/base-command.ts';
import { renderTable } from '../../cli/render/table.ts';
import { IechorError } from '../../common/error.ts';

export default class Top extends BaseCommand {
  static override summary = 'Show the running processes of a container';
  static override synopsis = 'CONTAINER [ps OPTIONS]';
  static override strict = false;
  static override interspersed = false;

  async run(): Promise<void> {
    const { argv } = await this.parse(Top);
    const [id, ...ps] = argv as string[];
    if (id === undefined) throw new IechorError('USAGE', 'no container given');
    const { Titles, Processes } = await (await this.engine()).containerTop({
      id,
      psArgs: ps.length > 0 ? ps.join(' ') : undefined,
    });
    this.print(renderTable(Titles, Processes));
  }
}
