import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { membersFrom, readDraft, readManifest } from '../../cli/manifest-lists.ts';
import { mediaTypes } from '../../image/media-types.ts';

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
      const { mediaTypeOf } = await import('../../registry/manifest-lists.ts');
      return this.print(indented({ schemaVersion: 2, mediaType: mediaTypeOf(draft.members), manifests }));
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

/** As Docker's client shows one image, so that programs find its fields. */
function described(Ref: string, { content, digest, mediaType, platform }: Awaited<ReturnType<typeof readManifest>>) {
  const descriptor = { mediaType, digest, size: content.length, ...(platform && { platform }) };
  const field = mediaType === mediaTypes.dockerManifest ? 'SchemaV2Manifest' : 'OCIManifest';
  const Raw = content.toString('base64');
  return { Ref, Descriptor: descriptor, Raw, [field]: JSON.parse(content.toString()) as unknown };
}
