import { ComposeCommand } from '../../cli/compose-command.ts';
import { runWatch } from '../../cli/compose-watch.ts';
import { Flags } from '../../cli/flags.ts';
import { runUp, upOptionsOf } from '../../cli/run-up.ts';
import { throwRefused } from '../../compose/up.ts';
import { watchTriggers } from '../../compose/watch.ts';

export default class Watch extends ComposeCommand {
  static override summary = 'Bring changed files into running services, as develop.watch says';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'no-up': Flags.boolean({ summary: 'Do not build and start the services first' }),
    prune: Flags.boolean({ summary: 'Remove the image that a rebuild replaces', default: true, allowNo: true }),
    quiet: Flags.boolean({ summary: 'Hide what builds write' }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Watch);
    const services = argv as string[];
    const dryRun = this.isDryRun(flags);
    const loaded = await this.project(services);
    const { triggers } = watchTriggers(loaded.project, services);
    return this.inSession({ quiet: flags.quiet, dryRun }, async (session) => {
      const options = { ...this.upOptions(), services, flags: { build: true, detach: true }, dryRun };
      if (!flags['no-up']) {
        const result = await runUp(session, loaded, options);
        if (dryRun) this.printPlan(result.images, result.plan);
        throwRefused(result);
      }
      if (dryRun) {
        for (const { service, rule } of triggers) this.print(`would watch ${rule.path} for ${service}: ${rule.action}`);
        return 0;
      }
      await runWatch(session, loaded, {
        services,
        prune: flags.prune,
        quiet: flags.quiet,
        line: (text, from) => this.print(from ? `${from.name}  | ${text}` : text),
        upOptions: upOptionsOf(loaded, options),
        signal: this.signal,
      });
      return 130;
    });
  }
}
