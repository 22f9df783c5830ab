import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { stop } from '../../compose/lifecycle.ts';

export default class Stop extends ComposeCommand {
  static override summary = 'Stop the containers of services';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = { 'dry-run': composeFlags['dry-run'], timeout: composeFlags.timeout };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Stop);
    const dryRun = this.isDryRun(flags);
    const { engine, target } = await this.engineAndTarget();
    await this.inSession({ dryRun, engine }, async (session) => {
      const intent = { services: argv as string[], timeoutSeconds: flags.timeout };
      const plan = await stop(session, target, { intent, project: target.loaded?.project, dryRun });
      if (dryRun) this.printPlan(plan);
    });
  }
}
