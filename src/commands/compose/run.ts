import { ComposeCommand, hushedKinds } from '../../cli/compose-command.ts';
import { oneOffOf, readEnvironmentFiles, runFlags } from '../../cli/compose-run-flags.ts';
import { runAttached } from '../../cli/run-attached.ts';
import { IechorError, isIechorError } from '../../common/error.ts';
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
    const oneOff = oneOffOf(flags, {
      service,
      command,
      isTTY: Boolean(process.stdin.isTTY && process.stdout.isTTY),
      fileEnvironment: readEnvironmentFiles(flags['env-from-file'] ?? [], project.environment),
      projectEnvironment: project.environment,
    });
    const dryRun = this.isDryRun(flags);
    const { id, engine } = await this.inSession(
      { quiet: flags.quiet, hush: hushedKinds(flags), dryRun },
      async (session) => ({
        ...(await createOneOff(session, project, oneOff, { dryRun, onPlan: (plan) => dryRun && this.printPlan(plan) })),
        engine: session.engine,
      }),
    );
    if (dryRun) return 0;
    if (oneOff.detach) {
      await engine.containerStart({ id }).catch(throwPlainly);
      this.print(id);
      return 0;
    }
    this.handOnSignals();
    return runAttached(engine, id, {
      tty: oneOff.tty,
      streams: [...(oneOff.interactive ? ['stdin'] : []), 'stdout', 'stderr'],
      autoRemove: oneOff.autoRemove,
      signalProxy: true,
    }).catch(throwPlainly);
  }
}

/** As in Docker Compose, exit codes above 1 are the command's own: what cannot be started is no result of it. */
function throwPlainly(error: unknown): never {
  if (!isIechorError(error) || error.exit === 1) throw error;
  throw new IechorError(error.code, error.message, { hint: error.hint, at: error.at, exit: 1, cause: error });
}
