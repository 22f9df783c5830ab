/** What a registry asks for in `WWW-Authenticate` (RFC 9110, 11.6.1). */
export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  /** Keys in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** The challenges of a header that we know how to answer, in its order. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const token =
    /\s*,?\s*(?:([A-Za-z]+)\s+(?=[A-Za-z_]+\s*=|$))?(?:([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/y;
  const text = header.slice(0, 8192);
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    if (!match || match[0] === '') break;
    const [, scheme, key, quoted, plain] = match;
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    if (key === undefined) continue;
    challenges.at(-1)?.parameters.set(key.toLowerCase(), plain ?? (quoted ?? '').replace(/\\(.)/g, '$1'));
  }
  if (challenges.length === 0 && /^\s*basic\s*$/i.test(text)) return [{ scheme: 'basic', parameters: new Map() }];
  return challenges.filter((one): one is Challenge & typeof one => one.scheme === 'basic' || one.scheme === 'bearer');
}
