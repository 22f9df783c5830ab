import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { IechorError } from '../../common/error.ts';

export default class Save extends BaseCommand {
  static override summary = 'Save one or more images to a tar archive';
  static override synopsis = '[OPTIONS] IMAGE [IMAGE...]';
  static override strict = false;
  static override flags = {
    output: Flags.string({ char: 'o', summary: 'Write to a file instead of standard output' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Save);
    if (argv.length === 0) throw new IechorError('USAGE', 'no image given');
    if (!flags.output && process.stdout.isTTY) {
      throw new IechorError('USAGE', 'an archive is not for a terminal', {
        hint: 'name a file with -o, or redirect the output',
      });
    }
    const archive = await (await this.engine()).imagesGet({ names: argv as string[], signal: this.signal });
    await pipeline(archive, flags.output ? createWriteStream(flags.output) : process.stdout);
  }
}
