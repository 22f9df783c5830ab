import { IechorError } from '../common/error.ts';
import { askLine, askSecret } from './ask.ts';
import type { StoredLogin } from './credential-helper.ts';
import { tokenUser } from './credentials.ts';

export { registryOf, serverOf } from '../registry/names.ts';

/** An identity token as helpers keep it. */
export const tokenLogin = (token: string): StoredLogin => ({ username: tokenUser, secret: token });

/** User and password from flags, standard input or the terminal. Throws USAGE where they are not to be had. */
export async function readLogin(given: {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly passwordStdin: boolean;
  readonly suggested: string | undefined;
}): Promise<{ username: string; password: string }> {
  if (given.passwordStdin) return fromInput(given.username, given.password);
  const { isTTY } = process.stdin;
  if (!isTTY && (given.username === undefined || given.password === undefined)) {
    throw new IechorError('USAGE', 'there is no terminal to ask for user and password', {
      hint: 'give --username, and the password by --password-stdin',
    });
  }
  const suggestion = given.suggested ? ` (${given.suggested})` : '';
  const username = given.username ?? ((await askLine(`Username${suggestion}: `)) || given.suggested || '');
  if (username === '') throw new IechorError('USAGE', 'a login needs a user name');
  const password = given.password ?? (await askSecret('Password: '));
  if (password === '') throw new IechorError('USAGE', 'a login needs a password');
  return { username, password };
}

async function fromInput(username: string | undefined, password: string | undefined) {
  if (username === undefined) throw new IechorError('USAGE', 'Must provide --username with --password-stdin');
  if (password !== undefined) {
    throw new IechorError('USAGE', 'conflicting options: cannot specify both --password and --password-stdin');
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (text === '') throw new IechorError('USAGE', 'the password on standard input is empty');
  return { username, password: text };
}
