import { BaseCommand } from '../../cli/base-command.ts';
import { attachedStreams, containerFlags } from '../../cli/container-flags.ts';
import { createContainer } from '../../cli/create-container.ts';
import { Flags } from '../../cli/flags.ts';
import { runAttached } from '../../cli/run-attached.ts';
import { IechorError } from '../../common/error.ts';

export default class Run extends BaseCommand {
  static override summary = 'Create and run a new container from an image';
  static override synopsis = '[OPTIONS] IMAGE [COMMAND] [ARG...]';
  static override interspersed = false;
  static override usageExit = 125;
  static override failureExit = 125;
  static override strict = false;
  static override flags = {
    ...containerFlags,
    detach: Flags.boolean({ char: 'd', summary: 'Run in the background and print the id' }),
    'detach-keys': Flags.string({ summary: 'Keys that leave the container running' }),
    'sig-proxy': Flags.boolean({ summary: 'Hand signals on to the process', default: true, allowNo: true }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Run);
    const [image, ...command] = argv as string[];
    if (image === undefined)
      throw new IechorError('USAGE', 'no image given', { hint: 'iechor run [OPTIONS] IMAGE [COMMAND] [ARG...]' });
    if (flags.tty && flags.interactive && !flags.detach && !process.stdin.isTTY) {
      throw new IechorError('USAGE', 'the input device is not a terminal', {
        hint: 'leave -t away when standard input is a pipe or a file',
      });
    }
    if (flags.detach && flags.attach) {
      throw new IechorError('USAGE', 'conflicting options: cannot specify both --attach and --detach');
    }
    const engine = await this.engine();
    const { streams, config } = attachedStreams(flags);
    const Id = await createContainer(engine, flags, {
      image,
      command,
      globals: this.globals,
      environment: process.env,
      config: flags.detach ? {} : config,
      signal: this.signal,
    });
    if (flags.detach) {
      await engine.containerStart({ id: Id });
      this.print(Id);
      return 0;
    }
    return runAttached(engine, Id, {
      tty: flags.tty,
      streams,
      autoRemove: flags.rm,
      signalProxy: flags['sig-proxy'] && !flags.tty,
      detachKeys: flags['detach-keys'],
    });
  }
}
