import { ComposeCommand, hushedKinds } from '../../cli/compose-command.ts';
import { createFlags } from '../../cli/compose-up-flags.ts';
import { runUp } from '../../cli/run-up.ts';
import { throwRefused } from '../../compose/up.ts';

export default class Create extends ComposeCommand {
  static override summary = 'Create the containers of the project and do not start them';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = createFlags;

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Create);
    const services = argv as string[];
    const dryRun = this.isDryRun(flags);
    const loaded = await this.project(services);
    await this.inSession({ hush: hushedKinds(flags), dryRun }, async (session) => {
      const options = { ...this.upOptions(), services, flags: { ...flags, 'no-start': true }, dryRun };
      const result = await runUp(session, loaded, options);
      if (dryRun) this.printPlan(result.images, result.plan);
      throwRefused(result);
    });
  }
}
