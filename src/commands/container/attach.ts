import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { proxySignals } from '../../cli/run-attached.ts';
import { connectTerminal } from '../../cli/terminal.ts';
import { IechorError } from '../../common/error.ts';

export default class Attach extends BaseCommand {
  static override summary = 'Attach to the streams of a running container';
  static override synopsis = '[OPTIONS] CONTAINER';
  static override args = { container: Args.string({ required: true }) };
  static override flags = {
    'detach-keys': Flags.string({ summary: 'Keys that leave the container running' }),
    'no-stdin': Flags.boolean({ summary: 'Do not hand on standard input' }),
    'sig-proxy': Flags.boolean({ summary: 'Hand signals on to the process', default: true, allowNo: true }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Attach);
    const engine = await this.engine();
    const { Config, State, Id } = await engine.containerInspect({ id: args.container });
    if (!State.Running)
      throw new IechorError('WRONG_STATE', `container "${args.container}" is not running`, {
        hint: `iechor start -a ${args.container}`,
      });
    const tty = Config.Tty ?? false;
    const stdin = !flags['no-stdin'] && (Config.OpenStdin ?? false);
    const session = await engine.containerAttach({
      id: Id,
      stream: true,
      stdin,
      stdout: true,
      stderr: true,
      detachKeys: flags['detach-keys'],
    });
    const ended = engine.containerWait({ id: Id, condition: 'not-running' });
    ended.catch(() => {}); // awaited below, unless the user detaches
    const stop = flags['sig-proxy'] && !tty ? proxySignals(engine, Id) : () => {};
    try {
      const ending = await connectTerminal(session, {
        tty,
        stdin,
        detachKeys: flags['detach-keys'],
        resize: (h, w) => engine.containerResize({ id: Id, h, w }),
      });
      return ending === 'detached' ? 0 : (await ended).StatusCode;
    } finally {
      stop();
      session.close();
    }
  }
}
