import { InspectCommand, inspectFlags } from '../../cli/inspect-command.ts';

export default class ImageInspect extends InspectCommand {
  static override summary = 'Show all details of one or more images';
  static override flags = { format: inspectFlags.format, platform: inspectFlags.platform };
  protected override readonly type = 'image';
}
