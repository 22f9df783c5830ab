import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { IechorError } from '../../common/error.ts';
import { shortId } from '../../common/id.ts';

export default class ImageFind extends BaseCommand {
  static override summary = 'Say which images have a file';
  static override synopsis = '[OPTIONS] PATTERN [IMAGE...]';
  static override examples = ['iechor image find libssl.so.3', "iechor image find '/usr/bin/python3*' team/web"];
  static override strict = false;
  static override flags = { quiet: Flags.boolean({ char: 'q', summary: 'Only the images' }) };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(ImageFind);
    const [pattern, ...names] = argv as string[];
    if (pattern === undefined) throw new IechorError('USAGE', 'no pattern given');
    const engine = await this.engine();
    const all = async () => (await engine.imageList({})).map(({ Id, RepoTags }) => RepoTags[0] ?? shortId(Id));
    let found = false;
    for (const name of names.length > 0 ? names : await all()) {
      for await (const file of engine.imageFiles({ name, pattern, signal: this.signal })) {
        found = true;
        this.print(flags.quiet ? name : `${name}:${file.Path}`);
        if (flags.quiet) break;
      }
    }
    return found ? 0 : 1;
  }
}
