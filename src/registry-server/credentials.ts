import { createHash, randomBytes } from 'node:crypto';
import { compare, hashSync } from 'bcryptjs';
import { IechorError } from '../common/error.ts';

/** Tells whether an Authorization header is that of a known user. */
export interface Gate {
  admits(authorization: string | undefined): Promise<boolean>;
}

/** Passwords that may wait for their check: each takes a tenth of a second of one core. */
const maxWaiting = 64;
const rememberMs = 5 * 60_000;

/**
 * Users of an htpasswd file with bcrypt passwords (`htpasswd -B`). What was right is remembered for five minutes, as a
 * keyed hash. Throws BAD_REQUEST with the line that is wrong; passwords are in no message.
 */
export function createGate(htpasswd: string): Gate {
  const users = parseUsers(htpasswd);
  const decoy = hashSync(randomBytes(16).toString('hex'), 10);
  const key = randomBytes(32);
  const admitted = new Map<string, number>();
  /** Checks under way, one after the other; requests with the same password share one. */
  const waiting = new Map<string, Promise<boolean>>();
  let last: Promise<unknown> = Promise.resolve();
  const fingerprint = (text: string) => createHash('sha256').update(key).update(text).digest('hex');
  const check = async (user: string, password: string): Promise<boolean> => {
    const known = users.get(user);
    // As long for a user who is not there as for one who is.
    return (await compare(password, known ?? decoy)) && known !== undefined;
  };
  return {
    admits: async (authorization) => {
      const given = parseBasic(authorization);
      if (!given) return false;
      const print = fingerprint(`${given.user}\0${given.password}`);
      if ((admitted.get(print) ?? 0) > Date.now()) return true;
      const running = waiting.get(print);
      if (running) return running;
      if (waiting.size >= maxWaiting) return false;
      const work = last.then(() => check(given.user, given.password));
      last = work.catch(() => {});
      waiting.set(print, work);
      const right = await work.finally(() => waiting.delete(print));
      if (admitted.size > 1000) admitted.clear();
      if (right) admitted.set(print, Date.now() + rememberMs);
      return right;
    },
  };
}

function parseUsers(text: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, user, hash] = /^([^:]{1,255}):(\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53})\s*$/.exec(line) ?? [];
    if (user === undefined || hash === undefined) {
      throw new IechorError('BAD_REQUEST', `line ${index + 1} of the htpasswd file is no user with a bcrypt password`, {
        hint: 'make it with: htpasswd -B -c FILE USER',
      });
    }
    users.set(user, hash);
  }
  if (users.size === 0) throw new IechorError('BAD_REQUEST', 'the htpasswd file names no user');
  return users;
}

function parseBasic(header: string | undefined): { user: string; password: string } | undefined {
  const [, encoded] = /^basic ([A-Za-z0-9+/=_-]{1,2048})$/i.exec(header ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
