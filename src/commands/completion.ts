import { BaseCommand } from '../cli/base-command.ts';
import { scripts, shells } from '../cli/complete/scripts.ts';
import { Args } from '../cli/flags.ts';

export default class Completion extends BaseCommand {
  static override summary = 'Print what makes a shell complete commands, flags and names';
  static override synopsis = 'bash|zsh|fish';
  static override description = 'Names of services, containers, images and the like are asked for at each key press.';
  static override examples = ['eval "$(iechor completion bash)"', 'iechor completion fish | source'];
  static override args = { shell: Args.string({ required: true, options: [...shells] }) };

  async run(): Promise<void> {
    const { args } = await this.parse(Completion);
    process.stdout.write(scripts[args.shell as keyof typeof scripts]);
  }
}
