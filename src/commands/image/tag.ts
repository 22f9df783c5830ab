import { BaseCommand } from '../../cli/base-command.ts';
import { Args } from '../../cli/flags.ts';
import { splitTag } from '../../cli/split-tag.ts';

export default class Tag extends BaseCommand {
  static override summary = 'Give an image a further name';
  static override synopsis = 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]';
  static override args = { source: Args.string({ required: true }), target: Args.string({ required: true }) };

  async run(): Promise<void> {
    const { args } = await this.parse(Tag);
    const { repo, tag } = splitTag(args.target);
    await (await this.engine()).imageTag({ name: args.source, repo, tag });
  }
}
