import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { push } from '../../compose/images.ts';

export default class Push extends ComposeCommand {
  static override summary = 'Push the images that services build';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'dry-run': composeFlags['dry-run'],
    'ignore-push-failures': Flags.boolean({ summary: 'Go on when an image cannot be pushed' }),
    'include-deps': Flags.boolean({ summary: 'Push also what the services depend on' }),
    quiet: { ...composeFlags.quiet, summary: 'Show no progress' },
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Push);
    const services = argv as string[];
    const dryRun = this.isDryRun(flags);
    const { project } = await this.project(services);
    await this.inSession({ quiet: flags.quiet, dryRun }, async (session) => {
      const plan = await push(session, project, {
        services,
        dependencies: flags['include-deps'],
        ignoreFailures: flags['ignore-push-failures'],
        dryRun,
      });
      if (dryRun) this.printPlan(plan);
    });
  }
}
