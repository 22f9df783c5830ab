import { createInterface } from 'node:readline/promises';
import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { remove } from '../../compose/down.ts';

export default class Rm extends ComposeCommand {
  static override summary = 'Remove stopped containers of services';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'dry-run': composeFlags['dry-run'],
    all: Flags.boolean({ char: 'a', summary: 'Containers of run too (always so)', hidden: true }),
    force: Flags.boolean({ char: 'f', summary: 'Do not ask' }),
    stop: Flags.boolean({ char: 's', summary: 'Stop those that run first' }),
    volumes: Flags.boolean({ char: 'v', summary: 'Remove also their anonymous volumes' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Rm);
    const dryRun = this.isDryRun(flags);
    const { engine, target } = await this.engineAndTarget();
    await this.inSession({ dryRun, engine }, async (session) => {
      const plan = await remove(session, target, {
        services: argv as string[],
        stop: flags.stop,
        volumes: flags.volumes,
        dryRun,
        confirm: async (names) => {
          if (!flags.force) return ask(names);
          this.print(`Going to remove ${names.join(', ')}`);
          return true;
        },
      });
      if (dryRun) this.printPlan(plan);
    });
  }
}

async function ask(names: readonly string[]): Promise<boolean> {
  const input = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await input.question(`Going to remove ${names.join(', ')}. Are you sure? [yN] `)).trim());
  } finally {
    input.close();
  }
}
