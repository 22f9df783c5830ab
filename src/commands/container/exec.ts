import { BaseCommand } from '../../cli/base-command.ts';
import { envFile } from '../../cli/env-file.ts';
import { Flags } from '../../cli/flags.ts';
import { runExec } from '../../cli/run-exec.ts';
import { IechorError } from '../../common/error.ts';

export default class Exec extends BaseCommand {
  static override summary = 'Execute a command in a running container';
  static override synopsis = '[OPTIONS] CONTAINER COMMAND [ARG...]';
  static override interspersed = false;
  static override strict = false;
  static override flags = {
    detach: Flags.boolean({ char: 'd', summary: 'Run it in the background' }),
    'detach-keys': Flags.string({ summary: 'Keys that leave the process running' }),
    env: Flags.string({ char: 'e', summary: 'Set an environment variable', multiple: true, multipleNonGreedy: true }),
    'env-file': Flags.string({
      summary: 'Read environment variables from a file',
      multiple: true,
      multipleNonGreedy: true,
    }),
    interactive: Flags.boolean({ char: 'i', summary: 'Keep standard input open' }),
    privileged: Flags.boolean({ summary: "Give the process the engine's own privileges" }),
    tty: Flags.boolean({ char: 't', summary: 'Give it a terminal' }),
    user: Flags.string({ char: 'u', summary: 'User or uid[:group or gid]' }),
    workdir: Flags.string({ char: 'w', summary: 'Working directory' }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Exec);
    const [id, ...command] = argv as string[];
    if (id === undefined || command.length === 0)
      throw new IechorError('USAGE', 'exec takes a container and a command', {
        hint: 'iechor exec [OPTIONS] CONTAINER COMMAND [ARG...]',
      });
    return runExec(await this.engine(), id, {
      command,
      env: [...(flags['env-file'] ?? []).flatMap((file) => envFile(file, process.env)), ...(flags.env ?? [])],
      tty: flags.tty,
      interactive: flags.interactive,
      detach: flags.detach,
      privileged: flags.privileged,
      user: flags.user,
      workdir: flags.workdir,
      detachKeys: flags['detach-keys'],
    });
  }
}
