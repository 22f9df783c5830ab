import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags, scales } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { runUp } from '../../cli/run-up.ts';
import { IechorError } from '../../common/error.ts';
import { throwRefused } from '../../compose/up.ts';

export default class Scale extends ComposeCommand {
  static override summary = 'Change the number of replicas of services';
  static override synopsis = '[OPTIONS] SERVICE=NUM [SERVICE=NUM...]';
  static override strict = false;
  static override flags = {
    'dry-run': composeFlags['dry-run'],
    'no-deps': Flags.boolean({ summary: 'Leave alone what the services depend on' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Scale);
    const scale = argv as string[];
    const services = Object.keys(scales(scale));
    if (services.length === 0) throw new IechorError('USAGE', 'scale takes SERVICE=NUM, e.g. web=3');
    const dryRun = this.isDryRun(flags);
    const loaded = await this.project(services);
    await this.inSession({ dryRun }, async (session) => {
      const options = { ...this.upOptions(), services, flags: { ...flags, scale, detach: true }, dryRun };
      const result = await runUp(session, loaded, options);
      if (dryRun) this.printPlan(result.images, result.plan);
      throwRefused(result);
    });
  }
}
