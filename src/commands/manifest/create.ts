import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { keyOf, membersFrom, readDraft, writeDraft } from '../../cli/manifest-lists.ts';
import { IechorError } from '../../common/error.ts';

export default class ManifestCreate extends BaseCommand {
  static override summary = 'Begin a list of images, one for each platform';
  static override synopsis = '[OPTIONS] MANIFEST_LIST MANIFEST [MANIFEST...]';
  static override strict = false;
  static override flags = {
    amend: Flags.boolean({ char: 'a', summary: 'Add to a list that is there' }),
    insecure: Flags.boolean({ summary: 'The registry may speak plain text, or show any certificate' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ManifestCreate);
    const [list, ...images] = argv as string[];
    if (list === undefined || images.length === 0) throw new IechorError('USAGE', 'give a list and at least one image');
    const draft = await readDraft(list);
    if (draft && !flags.amend) {
      throw new IechorError('NAME_IN_USE', `the list ${list} is being made already`, {
        hint: `add to it with --amend, or begin anew after: iechor manifest rm ${list}`,
      });
    }
    const { insecure } = flags;
    const options = { configuration: this.globals.config, insecure, signal: this.signal };
    const members = new Map((draft?.members ?? []).map((member) => [keyOf(member), member]));
    for (const image of images) {
      for (const member of await membersFrom(image, options)) members.set(keyOf(member), member);
    }
    this.print(`Created manifest list ${await writeDraft(list, [...members.values()])}`);
  }
}
