import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { start } from '../../compose/lifecycle.ts';

export default class Start extends ComposeCommand {
  static override summary = 'Start the containers of services';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'dry-run': composeFlags['dry-run'],
    wait: Flags.boolean({ summary: 'Wait until all are running or healthy' }),
    'wait-timeout': Flags.integer({ summary: 'Seconds to wait at most' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Start);
    const dryRun = this.isDryRun(flags);
    const { engine, target } = await this.engineAndTarget(true);
    await this.inSession({ dryRun, engine }, async (session) => {
      const intent = {
        services: argv as string[],
        wait: flags.wait,
        waitTimeoutSeconds: flags['wait-timeout'],
      };
      const plan = await start(session, target, { intent, dryRun, project: target.loaded?.project });
      if (dryRun) this.printPlan(plan);
    });
  }
}
