import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { IechorError } from '../../common/error.ts';
import { getDraft, memberIn, writeDraft } from '../../cli/manifest-lists.ts';

/** What images are made for, by the names of Go. */
const architectures: Readonly<Record<string, readonly string[]>> = {
  darwin: ['386', 'amd64', 'arm', 'arm64'],
  freebsd: ['386', 'amd64', 'arm', 'arm64'],
  linux: ['386', 'amd64', 'arm', 'arm64', 'loong64', 'mips64', 'mips64le', 'ppc64', 'ppc64le', 'riscv64', 's390x'],
  windows: ['386', 'amd64', 'arm', 'arm64'],
};

export default class ManifestAnnotate extends BaseCommand {
  static override summary = 'Change what a list says of the platform of one of its images';
  static override synopsis = '[OPTIONS] MANIFEST_LIST MANIFEST';
  static override args = { list: Args.string({ required: true }), manifest: Args.string({ required: true }) };
  static override flags = {
    arch: Flags.string({ summary: 'Architecture' }),
    os: Flags.string({ summary: 'Operating system' }),
    'os-features': Flags.string({
      summary: 'Features of the system that it needs',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'os-version': Flags.string({ summary: 'Version of the system' }),
    variant: Flags.string({ summary: 'Variant of the architecture' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ManifestAnnotate);
    const draft = await getDraft(args.list);
    const chosen = await memberIn(draft, args.manifest);
    const { platform } = chosen.descriptor;
    const changed = {
      ...platform,
      ...(flags.os && { os: flags.os }),
      ...(flags.arch && { architecture: flags.arch }),
      ...(flags.variant && { variant: flags.variant }),
      ...(flags['os-version'] && { 'os.version': flags['os-version'] }),
      ...(flags['os-features'] && { 'os.features': flags['os-features'].flatMap((one) => one.split(',')) }),
    };
    if (!architectures[changed.os]?.includes(changed.architecture)) {
      const combination = `${changed.os}/${changed.architecture}`;
      throw new IechorError('USAGE', `manifest entry for image has unsupported os/arch combination: ${combination}`);
    }
    const member = { ...chosen, descriptor: { ...chosen.descriptor, platform: changed } };
    await writeDraft(
      args.list,
      draft.members.map((one) => (one === chosen ? member : one)),
    );
  }
}
