import { BaseCommand } from '../../cli/base-command.ts';
import { attachedStreams, containerFlags } from '../../cli/container-flags.ts';
import { createContainer } from '../../cli/create-container.ts';
import { IechorError } from '../../common/error.ts';

export default class Create extends BaseCommand {
  static override summary = 'Create a new container';
  static override synopsis = '[OPTIONS] IMAGE [COMMAND] [ARG...]';
  static override interspersed = false;
  static override usageExit = 125;
  static override strict = false;
  static override flags = { ...containerFlags };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Create);
    const [image, ...command] = argv as string[];
    if (image === undefined)
      throw new IechorError('USAGE', 'no image given', { hint: 'iechor create [OPTIONS] IMAGE [COMMAND] [ARG...]' });
    const engine = await this.engine();
    const id = await createContainer(engine, flags, {
      image,
      command,
      globals: this.globals,
      environment: process.env,
      config: attachedStreams(flags).config,
      signal: this.signal,
    });
    this.print(id);
  }
}
