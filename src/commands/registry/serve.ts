import { readFileSync } from 'node:fs';
import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { IechorError, messageOf } from '../../common/error.ts';

export default class RegistryServe extends BaseCommand {
  static override summary = 'Serve a registry of images from this engine, until interrupted';
  static override examples = [
    'iechor registry serve',
    'iechor registry serve --addr :5000 --tls-cert cert.pem --tls-key key.pem --htpasswd users',
    "iechor registry serve --offer 'team/*' --read-only",
  ];
  static override flags = {
    addr: Flags.string({ summary: 'Address to listen on (host:port)', default: '127.0.0.1:5000' }),
    'tls-cert': Flags.string({ summary: 'File with the certificate chain in PEM' }),
    'tls-key': Flags.string({ summary: 'File with the key of the certificate in PEM' }),
    htpasswd: Flags.string({ summary: 'File with users and bcrypt passwords (htpasswd -B)' }),
    'read-only': Flags.boolean({ summary: 'Take no images' }),
    'allow-plain-http': Flags.boolean({ summary: 'Speak plain text also where others can listen in' }),
    'allow-sparse': Flags.boolean({ summary: 'Take indexes that name images which are not there' }),
    offer: Flags.string({
      summary: 'Also offer local images with such names, without a push (* for any text)',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(RegistryServe);
    const body = {
      Address: flags.addr,
      ...textOf('TlsCert', flags['tls-cert']),
      ...textOf('TlsKey', flags['tls-key']),
      ...textOf('Htpasswd', flags.htpasswd),
      ReadOnly: flags['read-only'],
      AllowPlainHttp: flags['allow-plain-http'],
      AllowSparse: flags['allow-sparse'],
      ...(flags.offer && { Offer: flags.offer }),
    };
    const { signal } = this;
    for await (const { url } of (await this.engine()).registryServe({ body, signal })) this.print(`Serving on ${url}`);
    if (!signal.aborted) throw new IechorError('ENGINE_ERROR', 'the engine ended the registry');
  }
}

function textOf<K extends string>(key: K, path: string | undefined): { [P in K]?: string } {
  if (path === undefined) return {};
  try {
    return { [key]: readFileSync(path, 'utf8') } as { [P in K]?: string };
  } catch (cause) {
    throw new IechorError('USAGE', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
