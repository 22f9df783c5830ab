import { ContextCommand } from '../../cli/context-command.ts';
import { Flags } from '../../cli/flags.ts';
import { formatRows } from '../../cli/render/format.ts';

export default class ContextInspect extends ContextCommand {
  static override summary = 'Show all details of one or more contexts';
  static override synopsis = '[OPTIONS] [CONTEXT...]';
  static override strict = false;
  static override flags = { format: Flags.string({ char: 'f', summary: 'Go template' }) };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(ContextInspect);
    const names = argv.length > 0 ? (argv as string[]) : [this.current];
    const found = names.map((name) => {
      const { description, host, tls, metaDirectory, tlsDirectory } = this.context(name);
      const files = [tls?.ca && 'ca.pem', tls?.cert && 'cert.pem', tls?.key && 'key.pem'].filter(Boolean);
      return {
        Name: name,
        Metadata: description === '' ? {} : { Description: description },
        Endpoints: { docker: { Host: host, SkipTLSVerify: tls?.skipVerify === true } },
        TLSMaterial: files.length > 0 ? { docker: files } : {},
        Storage: { MetadataPath: metaDirectory, TLSPath: tlsDirectory },
      };
    });
    this.print(flags.format === undefined ? JSON.stringify(found, null, 4) : formatRows(found, [], flags.format));
  }
}
