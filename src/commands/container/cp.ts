import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { codeOf, IechorError, isIechorError, messageOf } from '../../common/error.ts';

export default class Cp extends BaseCommand {
  static override summary = 'Copy files between a container and the disk';
  static override synopsis = '[OPTIONS] CONTAINER:SOURCE TARGET|- , SOURCE|- CONTAINER:TARGET';
  static override args = { source: Args.string({ required: true }), target: Args.string({ required: true }) };
  static override flags = {
    archive: Flags.boolean({ char: 'a', summary: 'Keep owners' }),
    quiet: Flags.boolean({ char: 'q', summary: 'No progress (there is none)' }),
    'follow-link': Flags.boolean({ char: 'L', summary: 'Copy what a link in SOURCE points to' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Cp);
    const [from, to] = [sideOf(args.source), sideOf(args.target)];
    const options = { archive: flags.archive, followLink: flags['follow-link'], signal: this.signal };
    if (from && to) {
      throw new IechorError('USAGE', 'copying between containers is not supported', {
        hint: 'copy to the disk first, or by a pipe: iechor cp A:/file - | iechor cp - B:/directory',
      });
    }
    if (!from && !to) {
      throw new IechorError('USAGE', 'one of the two has to be in a container', { hint: 'write CONTAINER:PATH' });
    }
    const engine = await this.engine();
    try {
      if (from) {
        const { copyFromContainer } = await import('../../cli/copy-from-container.ts');
        await copyFromContainer(engine, from, { ...options, target: args.target });
      } else if (to) {
        const { copyToContainer } = await import('../../cli/copy-to-container.ts');
        await copyToContainer(engine, args.source, { ...options, ...to });
      }
    } catch (error) {
      // What the disk refuses (no such file, no permission) is no fault of ours.
      if (isIechorError(error) || !/^E[A-Z]+$/.test(codeOf(error) ?? '')) throw error;
      throw new IechorError('USAGE', messageOf(error), { cause: error });
    }
  }
}

/** `container:path`; undefined for a path of the disk, which begins with `/` or `.` where it has a colon. */
function sideOf(text: string): { id: string; path: string } | undefined {
  const at = text.indexOf(':');
  return at < 1 || /^[./]/.test(text) ? undefined : { id: text.slice(0, at), path: text.slice(at + 1) };
}
