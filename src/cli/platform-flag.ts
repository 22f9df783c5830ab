import { IechorError } from '../common/error.ts';

const machine = (): string => ({ x64: 'amd64', ia32: '386' })[process.arch as string] ?? process.arch;

/** `os[/architecture[/variant]]` as OCI's object, which the API takes. Throws USAGE. */
export function platformFlag(text: string | undefined): Readonly<Record<string, string>> | undefined {
  if (text === undefined) return undefined;
  const [os = '', architecture = os === 'linux' ? machine() : '', variant, ...more] = text.split('/');
  if (os === '' || architecture === '' || variant === '' || more.length > 0) {
    throw new IechorError('USAGE', `invalid platform ${JSON.stringify(text)}`, { hint: 'e.g. linux/arm64' });
  }
  return { os, architecture, ...(variant !== undefined && { variant }) };
}
