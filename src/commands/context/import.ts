import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { readContextArchive } from '../../cli/context-archive.ts';
import { ContextCommand } from '../../cli/context-command.ts';
import { listContexts, writeContext } from '../../cli/contexts.ts';
import { Args } from '../../cli/flags.ts';
import { IechorError } from '../../common/error.ts';

export default class ContextImport extends ContextCommand {
  static override summary = 'Make a context of an archive that export wrote';
  static override synopsis = 'CONTEXT FILE|-';
  static override args = { name: Args.string({ required: true }), file: Args.string({ required: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(ContextImport);
    if (listContexts(this.directory).some(({ name }) => name === args.name))
      throw new IechorError('NAME_IN_USE', `there is a context "${args.name}" already`);
    const archive = args.file === '-' ? await buffer(process.stdin) : readFileSync(args.file);
    writeContext(this.directory, args.name, await readContextArchive(archive));
    this.print(args.name);
    process.stderr.write(`Successfully imported context "${args.name}"\n`);
  }
}
