import { BaseCommand } from '../../cli/base-command.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { Flags } from '../../cli/flags.ts';
import { platformFlag } from '../../cli/platform-flag.ts';

export default class Rmi extends BaseCommand {
  static override summary = 'Remove one or more images';
  static override synopsis = '[OPTIONS] IMAGE [IMAGE...]';
  static override strict = false;
  static override flags = {
    force: Flags.boolean({ char: 'f', summary: 'Remove it although it has several tags or stopped containers' }),
    'no-prune': Flags.boolean({ summary: 'Keep untagged parents' }),
    platform: Flags.string({
      summary: 'Remove only the image for this platform (os[/arch[/variant]])',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Rmi);
    const given = flags.platform?.flatMap((text) => text.split(','));
    const platforms = given?.map((text) => JSON.stringify(platformFlag(text)));
    const engine = await this.engine();
    const remove = async (name: string) => {
      const { force, 'no-prune': noprune } = flags;
      for (const item of await engine.imageRemove({ name, force, noprune, platforms })) {
        this.print(item.Untagged === undefined ? `Deleted: ${item.Deleted}` : `Untagged: ${item.Untagged}`);
      }
    };
    return eachTarget(argv as string[], remove, { quiet: true, noun: 'image' });
  }
}
