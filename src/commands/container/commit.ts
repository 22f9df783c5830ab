import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { splitTag } from '../../cli/split-tag.ts';

export default class Commit extends BaseCommand {
  static override summary = "Make an image of a container's files and configuration";
  static override synopsis = '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]';
  static override examples = ["iechor commit -m 'With a shell' -c 'CMD [\"sh\"]' web team/web:debug"];
  static override args = { container: Args.string({ required: true }), reference: Args.string() };
  static override flags = {
    author: Flags.string({ char: 'a', summary: 'Author of the image' }),
    change: Flags.string({
      char: 'c',
      summary: 'Apply an iEchorfile instruction to the image',
      multiple: true,
      multipleNonGreedy: true,
    }),
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
    const { repo, tag } = splitTag(args.reference ?? '');
    const { Id } = await (await this.engine()).containerCommit({
      container: args.container,
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
