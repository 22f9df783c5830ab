import { ComposeCommand } from '../../cli/compose-command.ts';
import { assignments, composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { build } from '../../compose/images.ts';

export default class Build extends ComposeCommand {
  static override summary = 'Build the images of services';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'build-arg': Flags.string({ summary: 'Set a build argument', multiple: true, multipleNonGreedy: true }),
    'dry-run': composeFlags['dry-run'],
    'no-cache': Flags.boolean({ summary: 'Run every step again' }),
    pull: Flags.boolean({ summary: 'Look for newer base images' }),
    quiet: { ...composeFlags.quiet, summary: 'No output but the ids of the images' },
    'with-dependencies': Flags.boolean({ summary: 'Build also what the services depend on' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Build);
    const services = argv as string[];
    const dryRun = this.isDryRun(flags);
    const { project } = await this.project(services);
    await this.inSession({ quiet: flags.quiet, dryRun }, async (session) => {
      const { plan, imageIds } = await build(session, project, {
        services,
        dependencies: flags['with-dependencies'],
        flags: { buildArgs: assignments(flags['build-arg']), noCache: flags['no-cache'], pull: flags.pull },
        dryRun,
      });
      if (dryRun) this.printPlan(plan);
      else if (flags.quiet) for (const id of imageIds) this.print(id);
    });
  }
}
