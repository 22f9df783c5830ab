import { InspectCommand } from '../../cli/inspect-command.ts';

export default class ConfigInspect extends InspectCommand {
  static override summary = 'Show all details of one or more configs';
  protected override readonly type = 'config';
}
