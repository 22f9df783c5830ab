import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { readContent } from '../../cli/read-content.ts';
import { inspectInRegistry } from '../../cli/trust.ts';

export default class TrustInspect extends BaseCommand {
  static override summary = 'Show the signatures of an image in its registry, and whether they count';
  static override synopsis = '[OPTIONS] IMAGE[:TAG|@DIGEST]';
  static override args = { image: Args.string({ required: true }) };
  static override flags = {
    key: Flags.string({ summary: 'File with a public key to judge by', multiple: true, multipleNonGreedy: true }),
    format: Flags.string({ summary: 'json, for programs' }),
    pretty: Flags.boolean({ summary: 'For people to read, which is the default', exclusive: ['format'] }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(TrustInspect);
    const keys = (await Promise.all((flags.key ?? []).map(readContent))).map(String);
    const options = { configuration: this.globals.config, signal: this.signal };
    const { digest, signatures } = await inspectInRegistry(args.image, keys, options);
    const rows = signatures.map(({ signature, flaw }) => ({
      payload: JSON.parse(signature.payload.toString()) as unknown,
      signature: signature.signature,
      ...(keys.length > 0 && { valid: flaw === undefined, ...(flaw !== undefined && { flaw }) }),
    }));
    if (flags.format === 'json') this.print(JSON.stringify({ digest, signatures: rows }));
    else {
      this.print(`${args.image}: ${digest}`);
      for (const { signature, flaw } of signatures) {
        const verdict = keys.length === 0 ? 'not judged, no --key is given' : (flaw ?? 'counts');
        this.print(`  ${signature.signature.slice(0, 24)}…  ${verdict}`);
      }
      if (signatures.length === 0) this.print('  no signature');
    }
    const counts = keys.length === 0 || signatures.some(({ flaw }) => flaw === undefined);
    return signatures.length > 0 && counts ? 0 : 1;
  }
}
