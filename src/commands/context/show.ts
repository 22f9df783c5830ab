import { ContextCommand } from '../../cli/context-command.ts';

export default class ContextShow extends ContextCommand {
  static override summary = 'Print the name of the context in use';

  async run(): Promise<void> {
    await this.parse(ContextShow);
    const { IECHOR_HOST, DOCKER_HOST } = process.env;
    this.print(this.globals.context === undefined && (IECHOR_HOST || DOCKER_HOST) ? 'default' : this.current);
  }
}
