import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { readDraft, readManifest } from '../../cli/manifest-lists.ts';

export default class ManifestInspect extends BaseCommand {
  static override summary = 'Show an image manifest or a list of them, as its registry has it or as it is being made';
  static override synopsis = '[OPTIONS] MANIFEST';
  static override args = { manifest: Args.string({ required: true }) };
  static override flags = {
    verbose: Flags.boolean({ char: 'v', summary: 'Also digest, size and platform' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ManifestInspect);
    const draft = await readDraft(args.manifest);
    if (draft) {
      const manifests = draft.members.map(({ descriptor }) => descriptor);
      return this.print(JSON.stringify({ schemaVersion: 2, manifests }, null, '   '));
    }
    const options = { configuration: this.globals.config, signal: this.signal };
    const { content, digest, mediaType, platform } = await readManifest(args.manifest, options);
    const document = JSON.parse(content.toString()) as unknown;
    const descriptor = { mediaType, digest, size: content.length, ...(platform && { platform }) };
    const shown = flags.verbose ? { Ref: args.manifest, Descriptor: descriptor, Manifest: document } : document;
    this.print(JSON.stringify(shown, null, '   '));
  }
}
