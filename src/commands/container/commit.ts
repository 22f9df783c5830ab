import { BaseCommand } from '../../cli/base-command.ts';
import { commitFlags, commitRequest } from '../../cli/commit-flags.ts';
import { Args } from '../../cli/flags.ts';

export default class Commit extends BaseCommand {
  static override summary = "Make an image of a container's files and configuration";
  static override synopsis = '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]';
  static override examples = ["iechor commit -m 'With a shell' -c 'CMD [\"sh\"]' web team/web:debug"];
  static override args = { container: Args.string({ required: true }), reference: Args.string() };
  static override flags = commitFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Commit);
    const request = { container: args.container, ...commitRequest(flags, args.reference), signal: this.signal };
    const { Id } = await (await this.engine()).containerCommit(request);
    this.print(Id);
  }
}
