import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { storageText } from '../../cli/storage-text.ts';
import { formatBytes } from '../../common/bytes.ts';

export default class SystemGc extends BaseCommand {
  static override summary = 'Free what nothing refers to, and show where the bytes of the data root are';
  static override flags = { format: Flags.string({ summary: 'json, for programs' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(SystemGc);
    const reply = await (await this.engine()).systemGc({ signal: this.signal });
    if (flags.format === 'json') return this.print(JSON.stringify(reply));
    this.print(storageText(reply));
    this.print(`\nFreed: ${formatBytes(reply.freedBytes)}`);
  }
}
