import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { splitTag } from '../../cli/split-tag.ts';
import { findContainer } from '../../compose/state.ts';

export default class Commit extends ComposeCommand {
  static override summary = "Make an image of the files and the configuration of a service's container";
  static override synopsis = '[OPTIONS] SERVICE [REPOSITORY[:TAG]]';
  static override args = { service: Args.string({ required: true }), reference: Args.string() };
  static override flags = {
    author: Flags.string({ char: 'a', summary: 'Author of the image' }),
    change: Flags.string({
      char: 'c',
      summary: 'Apply an iEchorfile instruction to the image',
      multiple: true,
      multipleNonGreedy: true,
    }),
    index: composeFlags.index,
    message: Flags.string({ char: 'm', summary: 'What was done, for the history' }),
    pause: Flags.boolean({
      char: 'p',
      default: true,
      allowNo: true,
      summary: 'Freeze the container meanwhile (--no-pause)',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Commit);
    const { engine, target } = await this.engineAndTarget();
    const { service, reference } = args;
    const container = await findContainer(engine, target, { service, index: flags.index, signal: this.signal });
    if (this.isDryRun(flags)) return this.print(`would make ${reference ?? 'an image'} of ${container.name}`);
    const { repo, tag } = splitTag(reference ?? '');
    const { Id } = await engine.containerCommit({
      container: container.id,
      repo: repo || undefined,
      tag,
      comment: flags.message,
      author: flags.author,
      pause: flags.pause,
      changes: flags.change,
      body: {},
      signal: this.signal,
    });
    this.print(Id);
  }
}
