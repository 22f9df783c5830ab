import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { ensureImage } from '../../cli/ensure-image.ts';
import { Flags } from '../../cli/flags.ts';
import { runAttached } from '../../cli/run-attached.ts';
import { IechorError } from '../../common/error.ts';
import { findContainer } from '../../compose/state.ts';
import { toolbox } from '../../compose/toolbox.ts';

export default class Debug extends ComposeCommand {
  static override summary =
    'Open a shell beside a running container: its processes, network and files, tools of another image';
  static override synopsis = '[OPTIONS] SERVICE [COMMAND [ARG...]]';
  static override interspersed = false;
  static override strict = false;
  static override flags = {
    image: Flags.string({ summary: 'Image with the tools', default: 'busybox:latest' }),
    index: composeFlags.index,
    'no-tty': Flags.boolean({ char: 'T', summary: 'No terminal, even where there is one' }),
    privileged: Flags.boolean({ summary: "With the engine's own privileges" }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Debug);
    const [service, ...command] = argv as string[];
    if (service === undefined) throw new IechorError('USAGE', 'debug takes a service');
    const { engine, target } = await this.engineAndTarget();
    const { signal } = this;
    const container = await findContainer(engine, target, { service, index: flags.index, running: true, signal });
    if (this.isDryRun({})) {
      this.print(`would open a shell of ${flags.image} beside ${container.name}`);
      return 0;
    }
    await ensureImage(engine, flags.image, { policy: 'missing', quiet: false, signal });
    const tty = !flags['no-tty'] && Boolean(process.stdin.isTTY && process.stdout.isTTY);
    const body = toolbox(container, { image: flags.image, command, tty, privileged: flags.privileged });
    const { Id: id } = await engine.containerCreate({ body, signal });
    const streams = ['stdin', 'stdout', 'stderr'];
    return runAttached(engine, id, { tty, streams, autoRemove: true, signalProxy: !tty });
  }
}
