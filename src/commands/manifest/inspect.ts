import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { described, mediaTypeOf, membersFrom, readDraft, readManifest } from '../../cli/manifest-lists.ts';

export default class ManifestInspect extends BaseCommand {
  static override summary = 'Show an image manifest or a list of them, as its registry has it or as it is being made';
  static override synopsis = '[OPTIONS] MANIFEST';
  static override args = { manifest: Args.string({ required: true }) };
  static override flags = {
    insecure: Flags.boolean({ summary: 'The registry may speak plain text, or show any certificate' }),
    verbose: Flags.boolean({ char: 'v', summary: 'Also digest, size and platform' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ManifestInspect);
    const draft = await readDraft(args.manifest);
    if (draft) {
      const manifests = draft.members.map(({ descriptor }) => descriptor);
      return this.print(indented({ schemaVersion: 2, mediaType: await mediaTypeOf(draft), manifests }));
    }
    const { insecure } = flags;
    const options = { configuration: this.globals.config, insecure, signal: this.signal };
    const found = await readManifest(args.manifest, options);
    if (!flags.verbose) return this.print(indented(JSON.parse(found.content.toString())));
    if (found.platform) return this.print(indented(described(args.manifest, found)));
    const members = await membersFrom(args.manifest, options);
    const each = members.map(async ({ reference, descriptor }) => {
      const { platform } = descriptor;
      return described(reference, { ...(await readManifest(reference, options)), platform });
    });
    this.print(indented(await Promise.all(each)));
  }
}

const indented = (value: unknown): string => JSON.stringify(value, null, '   ');
