import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { getDraft, memberIn, writeDraft } from '../../cli/manifest-lists.ts';

export default class ManifestAnnotate extends BaseCommand {
  static override summary = 'Change what a list says of the platform of one of its images';
  static override synopsis = '[OPTIONS] MANIFEST_LIST MANIFEST';
  static override args = { list: Args.string({ required: true }), manifest: Args.string({ required: true }) };
  static override flags = {
    arch: Flags.string({ summary: 'Architecture' }),
    os: Flags.string({ summary: 'Operating system' }),
    variant: Flags.string({ summary: 'Variant of the architecture' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ManifestAnnotate);
    const draft = await getDraft(args.list);
    const options = { configuration: this.globals.config, signal: this.signal };
    const chosen = await memberIn(draft, args.manifest, options);
    const { platform } = chosen.descriptor;
    const changed = {
      ...platform,
      ...(flags.os && { os: flags.os }),
      ...(flags.arch && { architecture: flags.arch }),
      ...(flags.variant && { variant: flags.variant }),
    };
    const member = { ...chosen, descriptor: { ...chosen.descriptor, platform: changed } };
    await writeDraft(
      args.list,
      draft.members.map((one) => (one === chosen ? member : one)),
    );
  }
}
