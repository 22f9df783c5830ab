import { InspectCommand, inspectFlags } from '../../cli/inspect-command.ts';

export default class NetworkInspect extends InspectCommand {
  static override summary = 'Show all details of one or more networks';
  static override flags = { format: inspectFlags.format, verbose: inspectFlags.verbose };
  protected override readonly type = 'network';
}
