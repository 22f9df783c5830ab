import { IechorError } from '../common/error.ts';
import { isFields } from '../image/image-config.ts';
import type { Challenge, TokenChallenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import { type Endpoint, hostName, isForbiddenAddress, isLoopback, mayAuthenticate } from './hosts.ts';
import type { RegistrySettings } from './settings.ts';
import { drain, type HttpReply, readBounded, type Transport } from './transport.ts';

export interface Token {
  readonly token: string;
  /** Time of `Date.now` from which on it is not used any more. */
  readonly expiresMs: number;
  /** Where a login asked for one. */
  readonly refreshToken?: string;
}

export interface TokenOptions {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  readonly settings: RegistrySettings;
  readonly credentials: Credentials | undefined;
  /** Sorted, `repository:team/app:pull,push`. What the registry asks for beyond them is not asked for. */
  readonly scopes: readonly string[];
  /** Ask for a refresh token too: a login. */
  readonly offline?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const maxTokenBytes = 1024 * 1024;
/** What a token lives that does not say it (distribution's token specification). */
const defaultLifeSeconds = 60;
/** A token is renewed a little before its end. */
const marginMs = 5_000;

/**
 * Gets an access token from where the challenge says (distribution-spec's token authentication, OAuth2 for identity
 * tokens). The password goes to the registry's own hosts only, and never from TLS to plain text. Throws REGISTRY_DENIED,
 * REGISTRY_REFUSED.
 */
export async function fetchToken({ challenge, byTls }: TokenChallenge, options: TokenOptions): Promise<Token> {
  const { endpoint } = options;
  const realm = URL.parse(challenge.parameters.get('realm') ?? '');
  // A registry behind a proxy that does TLS for it does not know its own scheme.
  if (byTls && realm?.host === endpoint.host) realm.protocol = 'https:';
  const plain = endpoint.insecure && !byTls && realm?.protocol === 'http:';
  if (!realm || (realm.protocol !== 'https:' && !plain) || realm.username !== '' || realm.password !== '') {
    throw refused(endpoint, 'it asks for a token from an unusable address');
  }
  const inward = isLoopback(realm.host) || isForbiddenAddress(hostName(realm.host));
  const foreign = inward && !isLoopback(endpoint.host);
  if (foreign) throw refused(endpoint, `it asks for a token from ${realm.host}, an address of this machine`);
  const trusted = mayAuthenticate(endpoint.host, realm.host, options.settings);
  const reply = await ask(realm, challenge, { ...options, credentials: trusted ? options.credentials : undefined });
  if (reply.status === 401 || reply.status === 403) {
    await drain(reply);
    throw denied(options, trusted ? undefined : realm.host);
  }
  if (reply.status !== 200) {
    await drain(reply);
    throw refused(endpoint, `its token service ${realm.host} answered with status ${reply.status}`);
  }
  return parseToken(await readBounded(reply, maxTokenBytes), endpoint);
}

function ask(realm: URL, challenge: Challenge, options: TokenOptions): Promise<HttpReply> {
  const { transport, credentials, scopes, offline = false, signal, endpoint } = options;
  const service = challenge.parameters.get('service');
  const unverified = endpoint.insecure && hostName(realm.host) === hostName(endpoint.host);
  const outside = !endpoint.insecure;
  const url = new URL(realm);
  if (credentials?.kind === 'identity') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: credentials.token,
      client_id: 'iechor',
    });
    if (service !== undefined) form.set('service', service);
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    return transport.send({
      method: 'POST',
      url,
      headers,
      body: Buffer.from(form.toString()),
      unverified,
      outside,
      signal,
    });
  }
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = {};
  if (credentials?.kind === 'password') {
    url.searchParams.set('account', credentials.username);
    headers.Authorization = basicHeader(credentials);
  }
  if (offline) {
    url.searchParams.set('client_id', 'iechor');
    url.searchParams.set('offline_token', 'true');
  }
  return transport.send({ method: 'GET', url, headers, unverified, outside, signal });
}

export function basicHeader({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function parseToken(content: Buffer, endpoint: Endpoint): Token {
  let reply: unknown;
  try {
    reply = JSON.parse(content.toString());
  } catch {
    // Its content may be secret: nothing of it is shown.
    throw refused(endpoint, 'its token service sent no JSON');
  }
  const fields = isFields(reply) ? reply : {};
  const token = fields.token || fields.access_token;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw refused(endpoint, 'it gave no token');
  const seconds =
    typeof fields.expires_in === 'number' && fields.expires_in > 0 ? fields.expires_in : defaultLifeSeconds;
  const life = Math.max(seconds, defaultLifeSeconds) * 1000;
  const refreshToken = typeof fields.refresh_token === 'string' ? { refreshToken: fields.refresh_token } : {};
  return { token, expiresMs: Date.now() + life - marginMs, ...refreshToken };
}

function denied({ endpoint, credentials }: TokenOptions, withheldFrom: string | undefined): IechorError {
  if (credentials === undefined) {
    return new IechorError('REGISTRY_DENIED', `the registry ${endpoint.host} gives no access without a login`, {
      hint: `log in first: iechor login ${endpoint.host}`,
    });
  }
  if (withheldFrom !== undefined) {
    const message = `the registry ${endpoint.host} hands out tokens at ${withheldFrom}, which was not sent the password`;
    throw new IechorError('REGISTRY_DENIED', message, {
      hint: `where that host may have it, add it to "registry-auth-hosts" of the daemon's configuration`,
    });
  }
  return new IechorError('REGISTRY_DENIED', `the registry ${endpoint.host} does not accept the login`, {
    hint: `check user and password: iechor login ${endpoint.host}`,
  });
}

export function refused(endpoint: Pick<Endpoint, 'host'>, reason: string): IechorError {
  return new IechorError('REGISTRY_REFUSED', `the registry ${endpoint.host} cannot be used: ${reason}`);
}
