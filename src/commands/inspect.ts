import { InspectCommand } from '../cli/inspect-command.ts';

export default class Inspect extends InspectCommand {
  static override summary = 'Show all details of containers, images, networks or volumes';
}
