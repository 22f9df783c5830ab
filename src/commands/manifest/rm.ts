import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { removeDraft } from '../../cli/manifest-lists.ts';

export default class ManifestRm extends BaseCommand {
  static override summary = 'Forget one or more lists that are being made';
  static override synopsis = 'MANIFEST_LIST [MANIFEST_LIST...]';
  static override strict = false;

  async run(): Promise<number> {
    const { argv } = await this.parse(ManifestRm);
    return eachTarget(argv as string[], removeDraft, { quiet: true, noun: 'manifest list' });
  }
}
