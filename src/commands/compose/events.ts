import { ComposeCommand } from '../../cli/compose-command.ts';
import { Flags } from '../../cli/flags.ts';
import { instant } from '../../cli/instant.ts';
import { type ContainerEvent, events } from '../../compose/events.ts';
import { checkServices } from '../../compose/state.ts';

export default class Events extends ComposeCommand {
  static override summary = "Show what happens to the project's containers, as it happens";
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    json: Flags.boolean({ summary: 'One JSON object a line' }),
    since: Flags.string({ summary: 'From this time on (2026-01-02T13:00:00Z, or 42m for that long ago)' }),
    until: Flags.string({ summary: 'Up to this time' }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Events);
    const services = argv as string[];
    const { engine, target } = await this.engineAndTarget();
    if (target.known) checkServices(target, services, []);
    const now = new Date();
    const happening = events(engine, target, {
      services,
      since: flags.since && instant(flags.since, now),
      until: flags.until && instant(flags.until, now),
      signal: this.signal,
    });
    for await (const event of happening) this.print(flags.json ? jsonOf(event) : lineOf(event));
    return this.signal.aborted ? 130 : 0;
  }
}

const timeOf = ({ timeNano }: ContainerEvent): string => new Date(timeNano / 1e6).toISOString();
const micros = ({ timeNano }: ContainerEvent): string => String(Math.floor((timeNano % 1e9) / 1e3)).padStart(6, '0');

function jsonOf(event: ContainerEvent): string {
  const { action, attributes, id, service } = event;
  const time = timeOf(event).replace(/\.\d+Z$/, `.${micros(event)}Z`);
  return JSON.stringify({ action, attributes, id, service, time, type: 'container' });
}

/** `2026-01-02 13:00:00.123456 container start <id> (image=busybox, name=shop-web-1)`, in local time. */
function lineOf(event: ContainerEvent): string {
  const at = new Date(event.timeNano / 1e6);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${micros(event)}`;
  const attributes = Object.entries(event.attributes).map(([key, value]) => `${key}=${value}`);
  return `${day} ${time} container ${event.action} ${event.id} (${attributes.sort().join(', ')})`;
}
