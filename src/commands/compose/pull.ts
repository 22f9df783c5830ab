import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { pull } from '../../compose/images.ts';

export default class Pull extends ComposeCommand {
  static override summary = 'Pull the images of services';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'dry-run': composeFlags['dry-run'],
    'ignore-buildable': Flags.boolean({ summary: 'Leave out what can be built' }),
    'ignore-pull-failures': Flags.boolean({ summary: 'Go on when an image cannot be pulled' }),
    'include-deps': Flags.boolean({ summary: 'Pull also what the services depend on' }),
    'no-parallel': Flags.boolean({ hidden: true, summary: 'Has no effect' }),
    parallel: Flags.boolean({ hidden: true, summary: 'Has no effect' }),
    policy: Flags.string({
      summary: 'Pull what is missing, or all',
      options: ['missing', 'always'],
    }),
    quiet: { ...composeFlags.quiet, summary: 'Show no progress' },
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Pull);
    const services = argv as string[];
    const dryRun = this.isDryRun(flags);
    const { project } = await this.project(services);
    await this.inSession({ quiet: flags.quiet, dryRun }, async (session) => {
      for (const name of ['parallel', 'no-parallel'] as const)
        if (flags[name]) session.notice(`--${name} has no effect`);
      const plan = await pull(session, project, {
        services,
        dependencies: flags['include-deps'],
        ignoreBuildable: flags['ignore-buildable'],
        policy: flags.policy === 'missing' || flags.policy === 'always' ? flags.policy : undefined,
        ignoreFailures: flags['ignore-pull-failures'],
        dryRun,
      });
      if (dryRun) this.printPlan(plan);
    });
  }
}
