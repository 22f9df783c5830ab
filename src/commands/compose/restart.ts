import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { restart } from '../../compose/lifecycle.ts';

export default class Restart extends ComposeCommand {
  static override summary = 'Restart the containers of services; changes of the file do not apply';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'dry-run': composeFlags['dry-run'],
    timeout: composeFlags.timeout,
    'no-deps': Flags.boolean({ summary: 'Do not restart what depends on them' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Restart);
    const dryRun = this.isDryRun(flags);
    const { engine, target } = await this.engineAndTarget(true);
    await this.inSession({ dryRun, engine }, async (session) => {
      const intent = { services: argv as string[], timeoutSeconds: flags.timeout };
      const plan = await restart(session, target, {
        intent,
        project: target.loaded?.project,
        dryRun,
        dependents: !flags['no-deps'],
      });
      if (dryRun) this.printPlan(plan);
    });
  }
}
