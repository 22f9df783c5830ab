import type { BaseCommand } from '../cli/base-command.ts';

type CommandClass = (new (...args: ConstructorParameters<typeof BaseCommand>) => BaseCommand) & typeof BaseCommand;

/** One command: its summary for the group's help, and how to load it. Nothing is loaded that is not run. */
export interface CommandRow {
  readonly summary: string;
  readonly load: () => Promise<{ default: CommandClass }>;
  /** Kept out of the help text: a second name of a command that is listed elsewhere. */
  readonly hidden?: boolean;
}
