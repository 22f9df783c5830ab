import type { EngineApi } from '../api/engine-api.ts';
import type { ImageInspect } from '../api/types/image.ts';
import { codeOf, IechorError } from '../common/error.ts';
import { BaseCommand } from './base-command.ts';
import { Flags } from './flags.ts';
import { platformFlag } from './platform-flag.ts';
import { formatValue } from './render/format.ts';
import { describeFailure } from './report-error.ts';

interface LookupOptions {
  readonly size?: boolean | undefined;
  readonly platform?: Readonly<Record<string, string>> | undefined;
  readonly verbose?: boolean | undefined;
}
type Lookup = (engine: EngineApi, name: string, options: LookupOptions) => Promise<unknown>;

/** How each type of object is looked up, in the order in which a name is tried. */
export const lookups: Readonly<Record<string, Lookup>> = {
  container: (engine, id, { size }) => engine.containerInspect({ id, size }),
  image: (engine, name, { platform }) => engine.imageInspect({ name, platform }),
  network: (engine, id, { verbose }) => engine.networkInspect({ id, verbose }),
  volume: (engine, name) => engine.volumeInspect({ name }),
  secret: (engine, id) => engine.secretInspect({ id }),
  config: (engine, id) => engine.configInspect({ id }),
};

/** What is not of the engine, and looked up by its own command alone. */
const elsewhere: Readonly<Record<string, Lookup>> = {
  distribution: (engine, name) => engine.distributionInspect({ name }),
};

/** What any of the `inspect` commands takes; each has `format`, and of the others what its type of object knows. */
export const inspectFlags = {
  format: Flags.string({ char: 'f', summary: 'json, or a Go template' }),
  size: Flags.boolean({ char: 's', summary: 'With sizes, for a container' }),
  type: Flags.string({ summary: 'Only objects of this type', options: Object.keys(lookups) }),
  platform: Flags.string({ summary: 'Of the image for this platform (os[/arch[/variant]])' }),
  verbose: Flags.boolean({ char: 'v', summary: 'Also what helps to find faults' }),
  pretty: Flags.boolean({ summary: 'For people to read' }),
};

/** The `inspect` commands: of one type of object, or of any. */
export abstract class InspectCommand extends BaseCommand {
  static override synopsis = '[OPTIONS] NAME|ID [NAME|ID...]';
  static override strict = false;
  static override flags: Partial<typeof inspectFlags> = { format: inspectFlags.format };
  /** The one type the command is for. */
  protected readonly type: string | undefined = undefined;

  /** An object for people to read (`--pretty`). */
  protected pretty(object: unknown): string {
    return JSON.stringify(object, null, 4);
  }

  async run(): Promise<number> {
    const own = (this.constructor as typeof InspectCommand).flags as typeof inspectFlags;
    const parsed = await this.parse({ flags: own, strict: false });
    const { argv } = parsed;
    const flags: Partial<typeof parsed.flags> = parsed.flags;
    if (argv.length === 0) throw new IechorError('USAGE', 'nothing to inspect was named');
    if (flags.pretty && flags.format !== undefined) {
      throw new IechorError('USAGE', '--format is incompatible with human friendly format', { hint: 'leave one out' });
    }
    const platform = platformFlag(flags.platform);
    const engine = await this.engine();
    const types = this.type ?? flags.type;
    const found: unknown[] = [];
    let exit = 0;
    for (const name of argv as string[]) {
      try {
        const { size, verbose } = flags;
        found.push(
          await look(engine, name, { types: types ? [types] : Object.keys(lookups), size, platform, verbose }),
        );
      } catch (error) {
        process.stderr.write(
          `${describeFailure(error, { debug: false, command: 'iechor inspect', usageExit: 1 }).text}\n`,
        );
        exit = 1;
      }
    }
    if (flags.pretty) this.print(found.map((object) => this.pretty(object)).join('\n\n'));
    else if (flags.format === undefined) this.print(JSON.stringify(found, null, 4));
    else for (const object of found) this.print(formatValue(terse(object), flags.format, { strict: true }));
    return exit;
  }
}

/** As a template sees it: of an image's configuration Docker's type writes only what is set. */
function terse(object: unknown): unknown {
  const image = object as Partial<ImageInspect>;
  if (!image.RootFS || !image.Config) return object;
  const isSet = (value: unknown) => value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
  return { ...image, Config: Object.fromEntries(Object.entries(image.Config).filter(([, value]) => isSet(value))) };
}

async function look(
  engine: EngineApi,
  name: string,
  options: LookupOptions & { readonly types: readonly string[] },
): Promise<unknown> {
  for (const type of options.types) {
    try {
      return await (lookups[type] ?? elsewhere[type])?.(engine, name, options);
    } catch (error) {
      if (options.types.length === 1 || !(codeOf(error) ?? '').match(/NOT_FOUND$|REFERENCE_INVALID/)) throw error;
    }
  }
  throw new IechorError('NOT_FOUND', `No such object: ${name}`, {
    hint: 'no container, image, network, volume, secret or config has that name or id',
  });
}
