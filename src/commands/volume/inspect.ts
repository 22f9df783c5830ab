import { InspectCommand } from '../../cli/inspect-command.ts';

export default class VolumeInspect extends InspectCommand {
  static override summary = 'Show all details of one or more volumes';
  protected override readonly type = 'volume';
}
