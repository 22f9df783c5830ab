import { once } from 'node:events';
import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { instant } from '../../cli/instant.ts';
import { createLogPrinter } from '../../cli/render/log-printer.ts';
import { wantsColour } from '../../cli/render/renderer.ts';
import { IechorError } from '../../common/error.ts';
import { filterLogs, jsonLines } from '../../compose/log-filter.ts';
import { logs } from '../../compose/logs.ts';
import { type Level, levels } from '../../compose/run/log-entries.ts';

export default class Logs extends ComposeCommand {
  static override summary = 'Show what the containers wrote, in the order of time';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    grep: Flags.string({ summary: 'Only lines that match this regular expression, with their stack traces' }),
    json: Flags.boolean({ summary: 'Each line as a JSON object, on standard output' }),
    level: Flags.string({ summary: 'Only what is this grave, or graver', options: [...levels] }),
    follow: Flags.boolean({ char: 'f', summary: 'Go on with what is written' }),
    index: composeFlags.index,
    'no-color': Flags.boolean({ summary: 'No colours' }),
    'no-log-prefix': Flags.boolean({ summary: 'No names before the lines' }),
    since: Flags.string({ summary: 'From this time on (2026-01-02T13:00:00Z, or 42m for that long ago)' }),
    tail: Flags.string({ char: 'n', summary: 'Number of lines from the end of each container', default: 'all' }),
    timestamps: Flags.boolean({ char: 't', summary: 'Show the time of each line' }),
    until: Flags.string({ summary: 'Up to this time' }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Logs);
    const { engine, target } = await this.engineAndTarget();
    const print = createLogPrinter(target.project, {
      colour: !flags['no-color'] && wantsColour(this.globals.ansi, process.env, process.stdout.isTTY ?? false),
      prefix: !flags['no-log-prefix'],
      timestamps: flags.timestamps,
      streams: false,
    });
    const now = new Date();
    const lines = logs(engine, target, {
      services: argv as string[],
      index: flags.index,
      follow: flags.follow,
      tail: flags.tail,
      since: flags.since && instant(flags.since, now),
      until: flags.until && instant(flags.until, now),
      signal: this.signal,
    });
    const filter = { grep: flags.grep === undefined ? undefined : pattern(flags.grep), level: flags.level as Level };
    const asJson = jsonLines();
    for await (const line of filterLogs(lines, filter)) {
      if (flags.json) await writeLine(asJson(line));
      else await print(line);
    }
    return this.signal.aborted ? 130 : 0;
  }
}

/** A word in small letters matches in any case. */
function pattern(text: string): RegExp {
  try {
    return new RegExp(text, text === text.toLowerCase() ? 'i' : '');
  } catch (cause) {
    throw new IechorError('USAGE', `--grep: "${text}" is not a regular expression`, { cause });
  }
}

async function writeLine(text: string): Promise<void> {
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}
