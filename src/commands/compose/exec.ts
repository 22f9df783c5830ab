import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { runExec } from '../../cli/run-exec.ts';
import { IechorError } from '../../common/error.ts';
import { findContainer } from '../../compose/state.ts';

export default class Exec extends ComposeCommand {
  static override summary = 'Execute a command in a running container of a service';
  static override synopsis = '[OPTIONS] SERVICE COMMAND [ARG...]';
  static override interspersed = false;
  static override strict = false;
  static override flags = {
    detach: Flags.boolean({ char: 'd', summary: 'Run it in the background' }),
    env: Flags.string({ char: 'e', summary: 'Set an environment variable', multiple: true, multipleNonGreedy: true }),
    index: composeFlags.index,
    interactive: Flags.boolean({
      char: 'i',
      summary: 'Keep standard input open (always so)',
      allowNo: true,
      default: true,
      hidden: true,
    }),
    'no-tty': Flags.boolean({ char: 'T', aliases: ['no-TTY'], summary: 'No terminal, even where there is one' }),
    privileged: Flags.boolean({ summary: "Give the process the engine's own privileges" }),
    tty: Flags.boolean({ char: 't', summary: 'A terminal (where there is one, always so)', hidden: true }),
    user: Flags.string({ char: 'u', summary: 'User or uid[:group or gid]' }),
    workdir: Flags.string({ char: 'w', summary: 'Working directory' }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Exec);
    const [service, ...command] = argv as string[];
    if (service === undefined || command.length === 0)
      throw new IechorError('USAGE', 'exec takes a service and a command');
    const { engine, target } = await this.engineAndTarget();
    const container = await findContainer(engine, target, {
      service,
      index: flags.index,
      running: true,
      oneoff: true,
      signal: this.signal,
    });
    if (this.isDryRun(flags)) {
      this.print(`would run in ${container.name}: ${command.join(' ')}`);
      return 0;
    }
    this.handOnSignals();
    return runExec(engine, container.id, {
      command,
      env: flags.env ?? [],
      tty: !flags['no-tty'] && Boolean(process.stdin.isTTY && process.stdout.isTTY),
      interactive: flags.interactive,
      detach: flags.detach,
      privileged: flags.privileged,
      user: flags.user,
      workdir: flags.workdir,
    });
  }
}
