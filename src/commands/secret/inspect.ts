import { InspectCommand } from '../../cli/inspect-command.ts';

export default class SecretInspect extends InspectCommand {
  static override summary = 'Show all details of one or more secrets';
  protected override readonly type = 'secret';
}
