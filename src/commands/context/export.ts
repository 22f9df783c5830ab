import { existsSync } from 'node:fs';
import { contextArchive } from '../../cli/context-archive.ts';
import { ContextCommand } from '../../cli/context-command.ts';
import { contentOf } from '../../cli/context-content.ts';
import { Args } from '../../cli/flags.ts';
import { checkOutput, writeArchive } from '../../cli/write-archive.ts';
import { IechorError } from '../../common/error.ts';

export default class ContextExport extends ContextCommand {
  static override summary = 'Write a context, with its certificates, to an archive';
  static override synopsis = 'CONTEXT [FILE|-]';
  static override args = { name: Args.string({ required: true }), file: Args.string() };

  async run(): Promise<void> {
    const { args } = await this.parse(ContextExport);
    const file = args.file ?? `${args.name}.dockercontext`;
    const output = file === '-' ? undefined : file;
    checkOutput(output);
    if (output !== undefined && existsSync(output)) throw new IechorError('USAGE', `${output} is there already`);
    await writeArchive(contextArchive(args.name, contentOf(this.context(args.name))), output);
    if (output !== undefined) process.stderr.write(`Written file "${output}"\n`);
  }
}
