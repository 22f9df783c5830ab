import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { keyValues } from '../../cli/key-values.ts';
import { readContent } from '../../cli/read-content.ts';
import { refuseDrivers, templateDriverFlag } from '../../cli/secret-drivers.ts';

export default class ConfigCreate extends BaseCommand {
  static override summary = 'Keep a config in the engine, from a file or standard input (-)';
  static override synopsis = '[OPTIONS] CONFIG file|-';
  static override args = { name: Args.string({ required: true }), file: Args.string({ required: true }) };
  static override flags = {
    label: Flags.string({ char: 'l', summary: 'Set a label (key=value)', multiple: true, multipleNonGreedy: true }),
    'template-driver': templateDriverFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConfigCreate);
    refuseDrivers(flags);
    const Data = (await readContent(args.file)).toString('base64');
    const body = { Name: args.name, Labels: keyValues(flags.label), Data };
    this.print((await (await this.engine()).configCreate({ body })).ID);
  }
}
