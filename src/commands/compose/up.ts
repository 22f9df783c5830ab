import { ComposeCommand, hushedKinds } from '../../cli/compose-command.ts';
import { upFlags } from '../../cli/compose-up-flags.ts';
import { runUp } from '../../cli/run-up.ts';
import { throwRefused } from '../../compose/up.ts';

export default class Up extends ComposeCommand {
  static override summary = 'Create and start the containers of the project';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = upFlags;

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Up);
    const services = argv as string[];
    const dryRun = this.isDryRun(flags);
    const loaded = await this.project(services);
    return this.inSession({ hush: hushedKinds(flags), dryRun }, async (session) => {
      const result = await runUp(session, loaded, { ...this.upOptions(), services, flags, dryRun });
      if (dryRun) this.printPlan(result.images, result.plan);
      throwRefused(result);
      return result.exit ?? 0;
    });
  }
}
