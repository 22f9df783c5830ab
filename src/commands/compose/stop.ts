import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { chosenServices, onlyProfileFlag } from '../../cli/profile-services.ts';
import { stop } from '../../compose/lifecycle.ts';
import { unprovide } from '../../compose/providers.ts';

export default class Stop extends ComposeCommand {
  static override summary = 'Stop the containers of services';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'dry-run': composeFlags['dry-run'],
    'only-profile': onlyProfileFlag,
    timeout: composeFlags.timeout,
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Stop);
    const dryRun = this.isDryRun(flags);
    const { engine, target } = await this.engineAndTarget();
    await this.inSession({ dryRun, engine }, async (session) => {
      const project = target.loaded?.project;
      const services = chosenServices(argv as string[], flags['only-profile'], project);
      const intent = { services, timeoutSeconds: flags.timeout };
      const plan = await stop(session, target, { intent, project, dryRun });
      if (dryRun) this.printPlan(plan);
      else if (project) await unprovide(session, project, services, 'stop');
    });
  }
}
