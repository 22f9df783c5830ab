import { InspectCommand } from '../../cli/inspect-command.ts';

export default class ImageInspect extends InspectCommand {
  static override summary = 'Show all details of one or more images';
  protected override readonly type = 'image';
}
