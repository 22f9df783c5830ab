import { ContextCommand } from '../../cli/context-command.ts';
import { removeContext, useContext } from '../../cli/contexts.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { Flags } from '../../cli/flags.ts';
import { ignoreMissing } from '../../cli/ignore-missing.ts';
import { IechorError } from '../../common/error.ts';

export default class ContextRm extends ContextCommand {
  static override summary = 'Remove one or more contexts';
  static override synopsis = '[OPTIONS] CONTEXT [CONTEXT...]';
  static override strict = false;
  static override flags = {
    force: Flags.boolean({ char: 'f', summary: 'Also the one in use; no error when there is none' }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(ContextRm);
    const remove = async (name: string) => {
      if (name === 'default') throw new IechorError('USAGE', 'the context "default" cannot be removed');
      if (name === this.current && !flags.force)
        throw new IechorError('IN_USE', `context "${name}" is in use, set -f flag to force remove`);
      const used = name === this.current;
      await Promise.resolve()
        .then(() => removeContext(this.directory, name))
        .catch(ignoreMissing(flags.force));
      if (used) useContext(this.directory, 'default');
    };
    return eachTarget(argv as string[], remove, { noun: 'context' });
  }
}
