import { ComposeCommand } from '../../cli/compose-command.ts';
import { oneOffOf, runFlags } from '../../cli/compose-run-flags.ts';
import { runAttached } from '../../cli/run-attached.ts';
import { IechorError } from '../../common/error.ts';
import { createOneOff } from '../../compose/run-oneoff.ts';

export default class Run extends ComposeCommand {
  static override summary = 'Run a command in a new container of a service';
  static override synopsis = '[OPTIONS] SERVICE [COMMAND] [ARG...]';
  static override interspersed = false;
  static override strict = false;
  static override flags = runFlags;

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Run);
    const [service, ...command] = argv as string[];
    if (service === undefined) throw new IechorError('USAGE', 'run takes a service');
    const { project } = await this.project([service]);
    const oneOff = oneOffOf(flags, { service, command, isTTY: Boolean(process.stdin.isTTY && process.stdout.isTTY) });
    const { id, name, engine } = await this.inSession(
      { quiet: flags.quiet || flags['quiet-pull'] },
      async (session) => ({
        ...(await createOneOff(session, project, oneOff)),
        engine: session.engine,
      }),
    );
    if (oneOff.detach) {
      await engine.containerStart({ id });
      this.print(name);
      return 0;
    }
    this.handOnSignals();
    return runAttached(engine, id, {
      tty: oneOff.tty,
      streams: [...(oneOff.interactive ? ['stdin'] : []), 'stdout', 'stderr'],
      autoRemove: oneOff.autoRemove,
      signalProxy: true,
    });
  }
}
