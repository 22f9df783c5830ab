/** What a registry asks for in `WWW-Authenticate` (RFC 9110, 11.6.1). */
export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  /** Keys in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** An answer that asks who we are. */
export interface Asked {
  readonly url: URL;
  readonly headers: { readonly 'www-authenticate'?: string | undefined };
}

/** A word that stands alone is a scheme; one with a value is a parameter of the scheme before it. */
const word = /([A-Za-z][A-Za-z0-9_-]*)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/g;
const longest = 8192;

/** Its challenge for tokens, and whether that came by TLS, so that its answer has to go so, too. */
export interface TokenChallenge {
  readonly challenge: Challenge;
  readonly byTls: boolean;
}

export function tokenChallenge({ url, headers }: Asked): TokenChallenge | undefined {
  const challenge = parseChallenges(headers['www-authenticate'] ?? '').find(({ scheme }) => scheme === 'bearer');
  return challenge && { challenge, byTls: url.protocol === 'https:' };
}

/** The challenges of a header that we know how to answer, in its order. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (const [, name = '', quoted, plain] of header.slice(0, longest).matchAll(word)) {
    const value = plain ?? quoted?.replace(/\\(.)/g, '$1');
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    else challenges.at(-1)?.parameters.set(name.toLowerCase(), value);
  }
  return challenges.filter((one): one is Challenge & typeof one => one.scheme === 'basic' || one.scheme === 'bearer');
}
