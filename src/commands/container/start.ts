import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { Flags } from '../../cli/flags.ts';
import { runAttached } from '../../cli/run-attached.ts';
import { IechorError } from '../../common/error.ts';

export default class Start extends BaseCommand {
  static override summary = 'Start one or more stopped containers';
  static override synopsis = '[OPTIONS] CONTAINER [CONTAINER...]';
  static override strict = false;
  static override flags = {
    attach: Flags.boolean({ char: 'a', summary: 'Attach standard output and error' }),
    interactive: Flags.boolean({ char: 'i', summary: 'Attach standard input' }),
    'detach-keys': Flags.string({ summary: 'Keys that leave the container running' }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Start);
    const engine = await this.engine();
    if (!flags.attach && !flags.interactive) return eachTarget(argv as string[], (id) => engine.containerStart({ id }));
    const [id, ...others] = argv as string[];
    if (id === undefined || others.length > 0) throw new IechorError('USAGE', 'attaching takes exactly one container');
    const { Config, HostConfig } = await engine.containerInspect({ id });
    const streams = ['stdout', 'stderr', ...(flags.interactive ? ['stdin'] : [])];
    return runAttached(engine, id, {
      tty: Config.Tty ?? false,
      streams,
      autoRemove: HostConfig.AutoRemove ?? false,
      signalProxy: !Config.Tty,
      detachKeys: flags['detach-keys'],
    });
  }
}
