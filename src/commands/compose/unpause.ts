import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { unpause } from '../../compose/lifecycle.ts';

export default class Unpause extends ComposeCommand {
  static override summary = 'Let the processes of paused services go on';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = { 'dry-run': composeFlags['dry-run'] };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Unpause);
    const dryRun = this.isDryRun(flags);
    const { engine, target } = await this.engineAndTarget();
    await this.inSession({ dryRun, engine }, async (session) => {
      const intent = { services: argv as string[] };
      const plan = await unpause(session, target, { intent, dryRun });
      if (dryRun) this.printPlan(plan);
    });
  }
}
