import { once } from 'node:events';
import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { instant } from '../../cli/instant.ts';

export default class Logs extends BaseCommand {
  static override summary = 'Fetch the logs of a container';
  static override synopsis = '[OPTIONS] CONTAINER';
  static override args = { container: Args.string({ required: true }) };
  static override flags = {
    details: Flags.boolean({ summary: 'Show what the log options say about each line' }),
    follow: Flags.boolean({ char: 'f', summary: 'Go on with what is written' }),
    since: Flags.string({ summary: 'From this time on (2026-01-02T13:00:00Z, or 42m for that long ago)' }),
    tail: Flags.string({ char: 'n', summary: 'Number of lines from the end', default: 'all' }),
    timestamps: Flags.boolean({ char: 't', summary: 'Show the time of each line' }),
    until: Flags.string({ summary: 'Up to this time' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Logs);
    const engine = await this.engine();
    const now = new Date();
    const frames = engine.containerLogs({
      id: args.container,
      stdout: true,
      stderr: true,
      follow: flags.follow,
      tail: flags.tail,
      timestamps: flags.timestamps,
      details: flags.details,
      since: flags.since && instant(flags.since, now),
      until: flags.until && instant(flags.until, now),
      signal: this.signal,
    });
    for await (const frame of frames) {
      const sink = frame.stream === 'stderr' ? process.stderr : process.stdout;
      if (!sink.write(frame.data)) await once(sink, 'drain');
    }
  }
}
