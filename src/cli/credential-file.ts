import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import type { CredentialStore, StoredLogin } from './credential-helper.ts';
import { replaceFile } from './owner-file.ts';

type Logins = Record<string, StoredLogin>;

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Logins in one encrypted file, its key in another one that only the user may read: a copy of the configuration gives
 * nothing away. Throws CREDENTIALS where the key does not fit the file.
 */
export function fileStore(directory: string): CredentialStore {
  const file = join(directory, 'iechor-credentials');
  const keyFile = join(directory, 'iechor-credentials.key');
  const read = (): Logins => {
    const sealed = readIfAny(file);
    const key = sealed && readIfAny(keyFile);
    if (!sealed) return Object.create(null) as Logins;
    if (!key) throw damaged(file, 'its key is missing');
    return open(sealed, key, file);
  };
  const write = (logins: Logins): void => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    replaceFile(file, seal(logins, readIfAny(keyFile) ?? makeKey(keyFile)));
  };
  return {
    get: async (server) => read()[server],
    store: async (server, login) => write({ ...read(), [server]: login }),
    erase: async (server) => {
      const logins = read();
      if (!(server in logins)) return;
      delete logins[server];
      write(logins);
    },
    list: async () => Object.fromEntries(Object.entries(read()).map(([server, { username }]) => [server, username])),
  };
}

function seal(logins: Logins, key: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce);
  const sealed = Buffer.concat([cipher.update(JSON.stringify(logins), 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

function open(sealed: Buffer, key: Buffer, file: string): Logins {
  try {
    const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes));
    decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    const content = Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
    return Object.assign(Object.create(null), JSON.parse(content.toString()) as Logins) as Logins;
  } catch {
    throw damaged(file, 'it is damaged, or its key is another one');
  }
}

function makeKey(path: string): Buffer {
  const key = randomBytes(32);
  try {
    writeFileSync(path, key, { mode: 0o600, flag: 'wx' });
    return key;
  } catch (error) {
    // Another command has just made it.
    if (codeOf(error) === 'EEXIST') return readFileSync(path);
    throw error;
  }
}

function readIfAny(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined;
    throw new IechorError('CREDENTIALS', `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

function damaged(file: string, reason: string): IechorError {
  return new IechorError('CREDENTIALS', `the logins in ${file} cannot be read: ${reason}`, {
    hint: `remove the file and log in again`,
  });
}
