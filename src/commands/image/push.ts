import { BaseCommand } from '../../cli/base-command.ts';
import { contentTrustFlag, refuseContentTrust } from '../../cli/content-trust.ts';
import { parseReference } from '../../cli/default-registry.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { pushImage } from '../../cli/push-image.ts';
import { splitTag } from '../../cli/split-tag.ts';
import { readSigningKey, signPushed } from '../../cli/trust.ts';
import { IechorError } from '../../common/error.ts';

export default class Push extends BaseCommand {
  static override summary = 'Upload an image to a registry';
  static override synopsis = '[OPTIONS] NAME[:TAG]';
  static override args = { image: Args.string({ required: true }) };
  static override flags = {
    'all-tags': Flags.boolean({ char: 'a', summary: 'Push all tags of the repository' }),
    'disable-content-trust': contentTrustFlag,
    platform: Flags.string({ summary: 'Platform the image must be for (os/arch)' }),
    'sign-by': Flags.string({ summary: 'Sign what was pushed with the private key in this file (see: iechor trust)' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print the name of the image only' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Push);
    refuseContentTrust(flags['disable-content-trust']);
    if (parseReference(args.image).digest !== undefined) {
      throw new IechorError('REFERENCE_INVALID', 'cannot push a digest reference', {
        hint: 'an image is pushed under a tag: leave out the part from "@" on',
      });
    }
    const { repo, tag } = splitTag(args.image);
    if (flags['all-tags'] && tag !== undefined) {
      throw new IechorError('USAGE', "tag can't be used with --all-tags/-a", { hint: `write ${repo}` });
    }
    if (!flags['all-tags'] && tag === undefined && !flags.quiet) process.stdout.write('Using default tag: latest\n');
    const keyFile = flags['sign-by'];
    const key = keyFile === undefined ? undefined : await readSigningKey(keyFile);
    const engine = await this.engine();
    const digests = await pushImage(engine, repo, {
      tag: flags['all-tags'] ? undefined : (tag ?? 'latest'),
      platform: flags.platform,
      sink: flags.quiet ? undefined : process.stdout,
      signal: this.signal,
    });
    if (key) {
      const options = { key, configuration: this.globals.config, signal: this.signal };
      await signPushed(engine, { repository: repo, digests }, options);
      if (!flags.quiet) for (const digest of digests) this.print(`Signed ${digest}`);
    }
    if (flags.quiet) this.print(flags['all-tags'] ? repo : `${repo}:${tag ?? 'latest'}`);
  }
}
