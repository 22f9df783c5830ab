import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { IechorError } from '../../common/error.ts';
import { findContainer } from '../../compose/state.ts';

export default class Export extends ComposeCommand {
  static override summary = "Export the file system of a service's container as a tar archive";
  static override synopsis = '[OPTIONS] SERVICE';
  static override args = { service: Args.string({ required: true }) };
  static override flags = {
    index: composeFlags.index,
    output: Flags.string({ char: 'o', summary: 'Write to a file instead of standard output' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Export);
    const { output, index } = flags;
    if (output === undefined && process.stdout.isTTY)
      throw new IechorError('USAGE', 'an archive is not for a terminal', {
        hint: 'name a file with -o, or redirect the output',
      });
    const { engine, target } = await this.engineAndTarget();
    const { id, name } = await findContainer(engine, target, { service: args.service, index, signal: this.signal });
    if (this.isDryRun(flags)) return this.print(`would export ${name} to ${output ?? 'standard output'}`);
    const archive = await engine.containerExport({ id, signal: this.signal });
    await pipeline(archive, output === undefined ? process.stdout : createWriteStream(output));
  }
}
