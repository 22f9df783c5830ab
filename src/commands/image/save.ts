import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { platformFlag } from '../../cli/platform-flag.ts';
import { checkOutput, writeArchive } from '../../cli/write-archive.ts';
import { IechorError } from '../../common/error.ts';

export default class Save extends BaseCommand {
  static override summary = 'Save one or more images to a tar archive';
  static override synopsis = '[OPTIONS] IMAGE [IMAGE...]';
  static override strict = false;
  static override flags = {
    output: Flags.string({ char: 'o', summary: 'Write to a file instead of standard output' }),
    platform: Flags.string({ summary: 'Platform that the images must have (os/arch)' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Save);
    if (argv.length === 0) throw new IechorError('USAGE', 'no image given');
    checkOutput(flags.output);
    const platform = platformFlag(flags.platform);
    const archive = await (await this.engine()).imagesGet({ names: argv as string[], platform, signal: this.signal });
    await writeArchive(archive, flags.output);
  }
}
