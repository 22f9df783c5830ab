import { InspectCommand, inspectFlags } from '../../cli/inspect-command.ts';

export default class ContainerInspect extends InspectCommand {
  static override summary = 'Show all details of one or more containers';
  static override flags = { format: inspectFlags.format, size: inspectFlags.size };
  protected override readonly type = 'container';
}
