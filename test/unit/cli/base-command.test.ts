import { expect, test } from '@jest/globals';
import { BaseCommand } from '../../../src/cli/base-command.ts';
import { Flags } from '../../../src/cli/flags.ts';
import { emptyGlobals } from '../../../src/cli/globals.ts';
import { lightConfig } from '../../../src/cli/light-config.ts';

class Exec extends BaseCommand {
  static override interspersed = false;
  static override strict = false;
  static override flags = { 'no-tty': Flags.boolean({ char: 'T' }) };
  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Exec);
    return { argv, noTty: flags['no-tty'] ?? false };
  }
}
const words = (...argv: string[]) => new Exec(argv, lightConfig(), emptyGlobals()).execute();

test('arguments keep their order, also where one is repeated', async () => {
  expect(await words('web', 'echo', 'b', 'a', 'b')).toEqual({ argv: ['web', 'echo', 'b', 'a', 'b'], noTty: false });
});

test("a flag of the container's command is not taken for ours, though it looks the same", async () => {
  expect(await words('-T', 'web', 'wget', '-T', '3')).toEqual({ argv: ['web', 'wget', '-T', '3'], noTty: true });
});

test('an unknown flag is refused by name', async () => {
  await expect(words('--no-tyt', 'web', 'ls')).rejects.toThrow(/--no-tyt/);
});
