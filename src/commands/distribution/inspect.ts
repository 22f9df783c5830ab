import { InspectCommand } from '../../cli/inspect-command.ts';

export default class DistributionInspect extends InspectCommand {
  static override summary =
    'Show digest and platforms of one or more images as the engine finds them in their registries';
  static override synopsis = '[OPTIONS] IMAGE [IMAGE...]';
  protected override readonly type = 'distribution';
}
