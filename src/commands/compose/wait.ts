import { ComposeCommand } from '../../cli/compose-command.ts';
import { Flags } from '../../cli/flags.ts';
import { IechorError } from '../../common/error.ts';
import { down } from '../../compose/down.ts';
import { waitForExit } from '../../compose/wait.ts';

export default class Wait extends ComposeCommand {
  static override summary = 'Wait until the containers of services end; the exit code is theirs';
  static override synopsis = '[OPTIONS] SERVICE [SERVICE...]';
  static override strict = false;
  static override flags = {
    'down-project': Flags.boolean({ summary: 'Take the project down when the first container ends' }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Wait);
    const services = argv as string[];
    if (services.length === 0) throw new IechorError('USAGE', 'wait takes a service');
    const dryRun = this.isDryRun(flags);
    const { engine, target } = await this.engineAndTarget();
    const code = await waitForExit(engine, target, {
      services,
      first: flags['down-project'],
      onExit: ({ id }, exitCode) => this.print(`container "${id}" exited with status code ${exitCode}`),
      signal: this.signal,
    });
    if (!flags['down-project']) return code;
    await this.inSession({ dryRun, engine }, async (session) => {
      const intent = { services: [], volumes: false, images: 'none', removeOrphans: false } as const;
      const plan = await down(session, target, { intent, project: target.loaded?.project, dryRun });
      if (dryRun) this.printPlan(plan);
    });
    return code;
  }
}
