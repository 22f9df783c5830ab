import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';

export default class SecretRm extends BaseCommand {
  static override summary = 'Remove one or more secrets';
  static override synopsis = 'SECRET [SECRET...]';
  static override strict = false;

  async run(): Promise<number> {
    const { argv } = await this.parse(SecretRm);
    const engine = await this.engine();
    return eachTarget(argv as string[], (id) => engine.secretRemove({ id }), { noun: 'secret' });
  }
}
