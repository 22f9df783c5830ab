import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { runUp } from '../../cli/run-up.ts';
import { renderDifference } from '../../compose/plan/difference.ts';
import { throwRefused } from '../../compose/up.ts';

export default class Diff extends ComposeCommand {
  static override summary = 'Show what up would change, resource by resource, and why';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'exit-code': Flags.boolean({ summary: 'End with 1 where there is a difference' }),
    'remove-orphans': Flags.boolean({ summary: 'Count containers of services that are not in the project' }),
    scale: composeFlags.scale,
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Diff);
    const services = argv as string[];
    const loaded = await this.project(services);
    return this.inSession({ dryRun: true }, async (session) => {
      const options = { ...this.upOptions(), services, flags: { ...flags, detach: true }, dryRun: true };
      const result = await runUp(session, loaded, options);
      const text = [result.images, result.plan].map((one) => renderDifference(one, process.cwd())).join('');
      process.stdout.write(text);
      throwRefused(result);
      return flags['exit-code'] && text !== '' ? 1 : 0;
    });
  }
}
