import { InspectCommand } from '../../cli/inspect-command.ts';

export default class ContainerInspect extends InspectCommand {
  static override summary = 'Show all details of one or more containers';
  protected override readonly type = 'container';
}
