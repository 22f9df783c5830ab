import { writeFileSync } from 'node:fs';
import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { configText } from '../../cli/config-text.ts';
import { diagnosticsJson } from '../../cli/diagnostics-json.ts';
import { Flags } from '../../cli/flags.ts';
import type { Diagnostic } from '../../common/diagnostic.ts';
import { isIechorError } from '../../common/error.ts';
import type { Loaded } from '../../compose/source/load.ts';

const yes = (summary: string) => Flags.boolean({ summary });

/** Names and hashes need no env files, which may be missing then: as with Docker Compose. */
const asksForNames = (flags: Readonly<Record<string, unknown>>): boolean =>
  ['services', 'volumes', 'networks', 'models', 'images', 'profiles'].some((name) => flags[name] === true) ||
  flags.hash !== undefined;

export default class Config extends ComposeCommand {
  static override summary = 'Check the project and print it in its canonical form';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    environment: yes('Print what variables are interpolated from'),
    explain: Flags.string({ summary: 'Print a value and every place that made it', helpValue: 'PATH' }),
    format: Flags.string({
      summary: 'yaml, or json: for the project and for what is wrong with it',
      options: ['yaml', 'json'],
    }),
    hash: Flags.string({ summary: 'Print the configuration hash of services (* for all)', helpValue: 'SERVICE|*' }),
    images: yes('Print names of images'),
    'lock-image-digests': yes('Print an override file that pins images to their digests'),
    models: yes('Print names of models'),
    networks: yes('Print names of networks'),
    'no-consistency': yes('Do not check references between the parts'),
    'no-env-resolution': yes('Do not read env_file'),
    'no-interpolate': yes('Leave variables as they are'),
    'no-normalize': yes('Do not fill in defaults'),
    'no-path-resolution': yes('Leave relative paths as they are'),
    output: Flags.string({ char: 'o', summary: 'Write to this file' }),
    profiles: yes('Print names of profiles'),
    quiet: { ...composeFlags.quiet, summary: 'Only check' },
    'resolve-image-digests': yes('Pin images to the digests that their registries have'),
    services: yes('Print names of services'),
    variables: yes('Print variables, their defaults, and where their values come from'),
    volumes: yes('Print names of volumes'),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Config);
    const json = flags.format === 'json';
    let loaded: Loaded;
    try {
      loaded = await this.project(argv as string[], {
        interpolate: !(flags['no-interpolate'] || flags.variables),
        normalize: !flags['no-normalize'],
        resolvePaths: !flags['no-path-resolution'],
        checkConsistency: !flags['no-consistency'],
        resolveEnvironment: !flags['no-env-resolution'] && !asksForNames(flags),
        allResources: flags.explain !== undefined || this.globals.allResources,
        quiet: json,
      });
    } catch (error) {
      if (!json || !isIechorError(error) || error.diagnostics.length === 0) throw error;
      this.print(diagnosticsJson(error.diagnostics));
      return error.exit;
    }
    if (json) this.#tell(loaded.diagnostics, flags.quiet);
    if (flags.quiet) return 0;
    if (flags['resolve-image-digests'] || flags['lock-image-digests']) loaded = await this.#pinned(loaded);
    const text = configText(loaded, { ...flags, directory: process.cwd() });
    if (flags.output !== undefined) writeFileSync(flags.output, `${text}\n`);
    else if (text !== '') this.print(text.replace(/\n$/, ''));
    return 0;
  }

  async #pinned(loaded: Loaded): Promise<Loaded> {
    const { pinImages } = await import('../../compose/pin-images.ts');
    const { defaultRegistryOf } = await import('../../cli/default-registry.ts');
    const engine = await this.engine();
    const options = { signal: this.signal, defaultRegistry: () => defaultRegistryOf(engine) };
    return { ...loaded, project: await pinImages(engine, loaded, options) };
  }

  /** Warnings as data: on standard output, unless the project goes there. */
  #tell(diagnostics: readonly Diagnostic[], quiet: boolean): void {
    if (quiet) this.print(diagnosticsJson(diagnostics));
    else if (diagnostics.length > 0) process.stderr.write(`${diagnosticsJson(diagnostics)}\n`);
  }
}
