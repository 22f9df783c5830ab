import type { Secret } from '../../api/types/secret.ts';
import { InspectCommand, inspectFlags } from '../../cli/inspect-command.ts';
import { prettySecret } from '../../cli/secret-text.ts';

export default class SecretInspect extends InspectCommand {
  static override summary = 'Show all details of one or more secrets';
  static override flags = { format: inspectFlags.format, pretty: inspectFlags.pretty };
  protected override readonly type = 'secret';

  protected override pretty(object: unknown): string {
    return prettySecret(object as Secret);
  }
}
