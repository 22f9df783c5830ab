import { type Asked, parseChallenges, type TokenChallenge, tokenChallenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import { basicHeader, fetchToken, type Token, type TokenOptions } from './token.ts';

/** Answers one registry's wish to know who we are. Tokens are shared by all requests with the same scopes. */
export interface Authorizer {
  /** Value of `Authorization` for a request with these scopes; undefined as long as nobody asked. */
  header(scopes: readonly string[]): Promise<string | undefined>;
  /**
   * Takes in a 401 to a request that was sent with `used`: true where it may be tried again. Throws REGISTRY_DENIED.
   */
  challenged(used: string | undefined, asked: Asked, scopes: readonly string[]): Promise<boolean>;
}

type AuthorizerOptions = Omit<TokenOptions, 'scopes' | 'offline'>;

export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { credentials } = options;
  let known: TokenChallenge | 'basic' | undefined;
  const tokens = new Map<string, Promise<Token>>();
  const tokenFor = async (challenge: TokenChallenge, scopes: readonly string[]): Promise<Token> => {
    const key = scopes.join(' ');
    const cached = tokens.get(key);
    if (cached && Date.now() < (await cached).expiresMs) return cached;
    // Another request may have renewed it meanwhile.
    if (tokens.get(key) !== cached) return tokenFor(challenge, scopes);
    const fresh = fetchToken(challenge, { ...options, scopes });
    tokens.set(key, fresh);
    fresh.catch(() => tokens.delete(key));
    return fresh;
  };
  return {
    header: async (scopes) => {
      if (credentials?.kind === 'bearer') return `Bearer ${credentials.token}`;
      if (known === 'basic') return basicOf(credentials);
      return known && `Bearer ${(await tokenFor(known, scopes)).token}`;
    },
    challenged: async (used, asked, scopes) => {
      if (credentials?.kind === 'bearer') return false;
      const bearer = tokenChallenge(asked);
      const header = asked.headers['www-authenticate'] ?? '';
      const basic = parseChallenges(header).some(({ scheme }) => scheme === 'basic');
      known = bearer ?? (basic ? 'basic' : undefined);
      if (!bearer) return basic && basicOf(credentials) !== undefined && used === undefined;
      const key = scopes.join(' ');
      const cached = await tokens.get(key);
      if (cached && `Bearer ${cached.token}` === used) tokens.delete(key);
      return true;
    },
  };
}

function basicOf(credentials: Credentials | undefined): string | undefined {
  return credentials?.kind === 'password' ? basicHeader(credentials) : undefined;
}
