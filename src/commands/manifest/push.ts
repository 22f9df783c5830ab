import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { getDraft, pushDraft, removeDraft } from '../../cli/manifest-lists.ts';

export default class ManifestPush extends BaseCommand {
  static override summary = 'Push a list of images to its registry';
  static override synopsis = '[OPTIONS] MANIFEST_LIST';
  static override args = { list: Args.string({ required: true }) };
  static override flags = {
    insecure: Flags.boolean({ summary: 'The registry may speak plain text, or show any certificate' }),
    purge: Flags.boolean({ char: 'p', summary: 'Forget the list here afterwards' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ManifestPush);
    const draft = await getDraft(args.list);
    const { insecure } = flags;
    this.print(await pushDraft(draft, { configuration: this.globals.config, insecure, signal: this.signal }));
    if (flags.purge) await removeDraft(args.list);
  }
}
