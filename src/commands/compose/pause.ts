import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { pause } from '../../compose/lifecycle.ts';

export default class Pause extends ComposeCommand {
  static override summary = 'Suspend all processes of services';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = { 'dry-run': composeFlags['dry-run'] };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Pause);
    const dryRun = this.isDryRun(flags);
    const { engine, target } = await this.engineAndTarget();
    await this.inSession({ dryRun, engine }, async (session) => {
      const intent = { services: argv as string[] };
      const plan = await pause(session, target, { intent, dryRun });
      if (dryRun) this.printPlan(plan);
    });
  }
}
