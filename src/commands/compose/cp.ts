import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { codeOf, IechorError, isIechorError, messageOf } from '../../common/error.ts';

export default class Cp extends ComposeCommand {
  static override summary = 'Copy files between services, or between a service and the disk';
  static override synopsis =
    '[OPTIONS] SERVICE:SOURCE TARGET|- , SOURCE|- SERVICE:TARGET , SERVICE:SOURCE SERVICE:TARGET';
  static override args = { source: Args.string({ required: true }), target: Args.string({ required: true }) };
  static override flags = {
    all: Flags.boolean({ summary: 'Also containers of run' }),
    archive: Flags.boolean({ char: 'a', summary: 'Keep owners' }),
    'follow-link': Flags.boolean({ char: 'L', summary: 'Copy what a link in SOURCE points to' }),
    index: composeFlags.index,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Cp);
    const { engine, target } = await this.engineAndTarget();
    const { composeCopy } = await import('../../cli/compose-copy.ts');
    try {
      await composeCopy(engine, target, {
        ...args,
        archive: flags.archive,
        followLink: flags['follow-link'],
        index: flags.index,
        oneoff: flags.all,
        dryRun: this.isDryRun(flags),
        print: (text) => this.print(text),
        signal: this.signal,
      });
    } catch (error) {
      // What the disk refuses (no such file, no permission) is no fault of ours.
      if (isIechorError(error) || !/^E[A-Z]+$/.test(codeOf(error) ?? '')) throw error;
      throw new IechorError('USAGE', messageOf(error), { cause: error });
    }
  }
}
