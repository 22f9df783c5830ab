import type { EngineApi } from '../api/engine-api.ts';
import { codeOf, IechorError } from '../common/error.ts';
import { BaseCommand } from './base-command.ts';
import { Flags } from './flags.ts';
import { formatValue } from './render/format.ts';
import { describeFailure } from './report-error.ts';

type Lookup = (engine: EngineApi, name: string, options: { size: boolean }) => Promise<unknown>;

/** How each type of object is looked up, in the order in which a name is tried. */
export const lookups: Readonly<Record<string, Lookup>> = {
  container: (engine, id, { size }) => engine.containerInspect({ id, size }),
  image: (engine, name) => engine.imageInspect({ name }),
  network: (engine, id) => engine.networkInspect({ id }),
  volume: (engine, name) => engine.volumeInspect({ name }),
  secret: (engine, id) => engine.secretInspect({ id }),
  config: (engine, id) => engine.configInspect({ id }),
};

/** The `inspect` commands: of one type of object, or of any. */
export abstract class InspectCommand extends BaseCommand {
  static override synopsis = '[OPTIONS] NAME|ID [NAME|ID...]';
  static override strict = false;
  static override flags = {
    format: Flags.string({ char: 'f', summary: 'json, or a Go template' }),
    size: Flags.boolean({ char: 's', summary: 'With sizes, for a container' }),
    type: Flags.string({ summary: 'Only objects of this type', options: Object.keys(lookups) }),
  };
  /** The one type the command is for. */
  protected readonly type: string | undefined = undefined;

  async run(): Promise<number> {
    const { flags, argv } = await this.parse({ flags: InspectCommand.flags, strict: false });
    if (argv.length === 0) throw new IechorError('USAGE', 'nothing to inspect was named');
    const engine = await this.engine();
    const types = this.type ?? flags.type;
    const found: unknown[] = [];
    let exit = 0;
    for (const name of argv as string[]) {
      try {
        found.push(await look(engine, name, { types: types ? [types] : Object.keys(lookups), size: flags.size }));
      } catch (error) {
        process.stderr.write(
          `${describeFailure(error, { debug: false, command: 'iechor inspect', usageExit: 1 }).text}\n`,
        );
        exit = 1;
      }
    }
    if (flags.format === undefined) this.print(JSON.stringify(found, null, 4));
    else for (const object of found) this.print(formatValue(object, flags.format, { strict: true }));
    return exit;
  }
}

async function look(
  engine: EngineApi,
  name: string,
  options: { types: readonly string[]; size: boolean },
): Promise<unknown> {
  for (const type of options.types) {
    try {
      return await lookups[type]?.(engine, name, options);
    } catch (error) {
      if (options.types.length === 1 || !(codeOf(error) ?? '').match(/NOT_FOUND$|REFERENCE_INVALID/)) throw error;
    }
  }
  throw new IechorError('NOT_FOUND', `No such object: ${name}`, {
    hint: 'no container, image, network, volume, secret or config has that name or id',
  });
}
