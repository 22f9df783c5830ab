import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { envFlag } from '../../cli/env-flag.ts';
import { Flags } from '../../cli/flags.ts';
import { chosenServices, onlyProfileFlag } from '../../cli/profile-services.ts';
import { down } from '../../compose/down.ts';

export default class Down extends ComposeCommand {
  static override summary = 'Stop and remove containers and networks of the project';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'dry-run': composeFlags['dry-run'],
    'only-profile': onlyProfileFlag,
    'remove-orphans': Flags.boolean({ summary: 'Remove also containers of services that are not in the project' }),
    rmi: Flags.string({ summary: 'Remove images: those built here, or all', options: ['local', 'all'] }),
    timeout: composeFlags.timeout,
    volumes: Flags.boolean({ char: 'v', summary: 'Remove also its volumes, named and anonymous' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Down);
    const dryRun = this.isDryRun(flags);
    const { engine, target } = await this.engineAndTarget();
    await this.inSession({ dryRun, engine }, async (session) => {
      const project = target.loaded?.project;
      const intent = {
        services: chosenServices(argv as string[], flags['only-profile'], project),
        volumes: flags.volumes,
        images: (flags.rmi ?? 'none') as 'none' | 'local' | 'all',
        removeOrphans: flags['remove-orphans'] || envFlag(process.env.COMPOSE_REMOVE_ORPHANS) === true,
        timeoutSeconds: flags.timeout,
      };
      const plan = await down(session, target, { intent, project, dryRun });
      if (dryRun) this.printPlan(plan);
    });
  }
}
