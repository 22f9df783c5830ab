import { writeFileSync } from 'node:fs';
import { ComposeCommand } from '../../cli/compose-command.ts';
import { configText } from '../../cli/config-text.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';

const yes = (summary: string) => Flags.boolean({ summary });

export default class Config extends ComposeCommand {
  static override summary = 'Check the project and print it in its canonical form';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    environment: yes('Print what variables are interpolated from'),
    format: Flags.string({ summary: 'yaml or json', options: ['yaml', 'json'], default: 'yaml' }),
    hash: Flags.string({ summary: 'Print the configuration hash of services (* for all)', helpValue: 'SERVICE|*' }),
    images: yes('Print names of images'),
    networks: yes('Print names of networks'),
    'no-consistency': yes('Do not check references between the parts'),
    'no-env-resolution': yes('Do not read env_file'),
    'no-interpolate': yes('Leave variables as they are'),
    'no-normalize': yes('Do not fill in defaults'),
    'no-path-resolution': yes('Leave relative paths as they are'),
    output: Flags.string({ char: 'o', summary: 'Write to this file' }),
    profiles: yes('Print names of profiles'),
    quiet: { ...composeFlags.quiet, summary: 'Only check' },
    services: yes('Print names of services'),
    variables: yes('Print variables and their defaults'),
    volumes: yes('Print names of volumes'),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Config);
    const loaded = await this.project(argv as string[], {
      interpolate: !(flags['no-interpolate'] || flags.variables),
      normalize: !flags['no-normalize'],
      resolvePaths: !flags['no-path-resolution'],
      checkConsistency: !flags['no-consistency'],
      resolveEnvironment: !flags['no-env-resolution'],
    });
    if (flags.quiet) return;
    const text = configText(loaded, flags);
    if (flags.output !== undefined) writeFileSync(flags.output, `${text}\n`);
    else if (text !== '') this.print(text.replace(/\n$/, ''));
  }
}
