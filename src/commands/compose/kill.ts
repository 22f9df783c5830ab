import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { envFlag } from '../../cli/env-flag.ts';
import { Flags } from '../../cli/flags.ts';
import { removeOrphans } from '../../compose/down.ts';
import { kill } from '../../compose/lifecycle.ts';

export default class Kill extends ComposeCommand {
  static override summary = 'Send a signal to the containers of services';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'dry-run': composeFlags['dry-run'],
    'remove-orphans': Flags.boolean({ summary: 'Remove containers of services that are not in the project' }),
    signal: Flags.string({ char: 's', summary: 'Signal to send', default: 'KILL' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Kill);
    const dryRun = this.isDryRun(flags);
    const { engine, target } = await this.engineAndTarget();
    await this.inSession({ dryRun, engine }, async (session) => {
      const intent = { services: argv as string[] };
      const plan = await kill(session, target, { intent, dryRun, signalName: flags.signal });
      const isWanted = flags['remove-orphans'] || envFlag(process.env.COMPOSE_REMOVE_ORPHANS);
      const orphans = isWanted ? await removeOrphans(session, target, dryRun) : [];
      if (dryRun) this.printPlan(plan, orphans);
    });
  }
}
