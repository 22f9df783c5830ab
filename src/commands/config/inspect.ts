import type { Secret } from '../../api/types/secret.ts';
import { InspectCommand, inspectFlags } from '../../cli/inspect-command.ts';
import { prettyConfig } from '../../cli/secret-text.ts';

export default class ConfigInspect extends InspectCommand {
  static override summary = 'Show all details of one or more configs';
  static override flags = { format: inspectFlags.format, pretty: inspectFlags.pretty };
  protected override readonly type = 'config';

  protected override pretty(object: unknown): string {
    return prettyConfig(object as Secret);
  }
}
