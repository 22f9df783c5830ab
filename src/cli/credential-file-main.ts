import { isIechorError, messageOf } from '../common/error.ts';
import { configDirectory } from './credential-config.ts';
import { fileStore } from './credential-file.ts';

/** Docker's protocol for credential helpers over our encrypted file: `iechor-credential-file get|store|erase|list`. */
async function main(action: string | undefined): Promise<string> {
  const store = fileStore(configDirectory(undefined, process.env));
  switch (action) {
    case 'get': {
      const server = (await readInput()).trim();
      const login = await store.get(server);
      if (!login) throw new Error('credentials not found in native keychain');
      return JSON.stringify({ ServerURL: server, Username: login.username, Secret: login.secret });
    }
    case 'store': {
      const given = JSON.parse(await readInput()) as { ServerURL?: unknown; Username?: unknown; Secret?: unknown };
      const { ServerURL: server, Username: username, Secret: secret } = given;
      if (typeof server !== 'string' || server === '') throw new Error('no credentials server URL');
      if (typeof username !== 'string' || typeof secret !== 'string') throw new Error('no credentials username');
      await store.store(server, { username, secret });
      return '';
    }
    case 'erase':
      await store.erase((await readInput()).trim());
      return '';
    case 'list':
      return JSON.stringify(await store.list());
    default:
      throw new Error('usage: iechor-credential-file get|store|erase|list');
  }
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

try {
  process.stdout.write(await main(process.argv[2]));
} catch (error) {
  // By the protocol a failure is told on standard output.
  process.stdout.write(`${messageOf(error)}${isIechorError(error) && error.hint ? ` (${error.hint})` : ''}\n`);
  process.exitCode = 1;
}
