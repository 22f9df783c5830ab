import { InspectCommand } from '../../cli/inspect-command.ts';

export default class NetworkInspect extends InspectCommand {
  static override summary = 'Show all details of one or more networks';
  protected override readonly type = 'network';
}
