import { commitFlags, commitRequest } from '../../cli/commit-flags.ts';
import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Args } from '../../cli/flags.ts';
import { findContainer } from '../../compose/state.ts';

export default class Commit extends ComposeCommand {
  static override summary = "Make an image of the files and the configuration of a service's container";
  static override synopsis = '[OPTIONS] SERVICE [REPOSITORY[:TAG]]';
  static override args = { service: Args.string({ required: true }), reference: Args.string() };
  static override flags = {
    ...commitFlags,
    index: composeFlags.index,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Commit);
    const { engine, target } = await this.engineAndTarget();
    const { service, reference } = args;
    const container = await findContainer(engine, target, { service, index: flags.index, signal: this.signal });
    if (this.isDryRun(flags)) return this.print(`would make ${reference ?? 'an image'} of ${container.name}`);
    const request = { container: container.id, ...commitRequest(flags, reference), signal: this.signal };
    const { Id } = await engine.containerCommit(request);
    this.print(Id);
  }
}
