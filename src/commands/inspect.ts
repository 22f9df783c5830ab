import { InspectCommand, inspectFlags } from '../cli/inspect-command.ts';

export default class Inspect extends InspectCommand {
  static override summary = 'Show all details of containers, images, networks or volumes';
  static override flags = { format: inspectFlags.format, size: inspectFlags.size, type: inspectFlags.type };
}
