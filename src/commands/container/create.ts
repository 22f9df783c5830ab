import { writeFileSync } from 'node:fs';
import { BaseCommand } from '../../cli/base-command.ts';
import { containerBody } from '../../cli/container-body.ts';
import { attachedStreams, containerFlags } from '../../cli/container-flags.ts';
import { ensureImage } from '../../cli/ensure-image.ts';
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
    await ensureImage(engine, image, {
      policy: flags.pull,
      quiet: flags.quiet,
      platform: flags.platform,
      signal: this.signal,
    });
    const body = { ...containerBody(flags, { image, command }, process.env), ...attachedStreams(flags).config };
    const created = await engine.containerCreate({ name: flags.name, platform: flags.platform, body });
    for (const warning of created.Warnings) process.stderr.write(`WARNING: ${warning}\n`);
    if (flags.cidfile) writeFileSync(flags.cidfile, created.Id, { flag: 'wx' });
    this.print(created.Id);
  }
}
