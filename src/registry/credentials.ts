/** Who we are to a registry. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A refresh token from an earlier login, exchanged for access tokens. */
  | { readonly kind: 'identity'; readonly token: string }
  /** An access token as it is. */
  | { readonly kind: 'bearer'; readonly token: string };

/** Docker's form of them on the wire (`X-Registry-Auth`) and in its configuration file. */
export interface AuthFields {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** `username:password` in base64. */
  readonly auth?: string | undefined;
  readonly identitytoken?: string | undefined;
  readonly registrytoken?: string | undefined;
}

/** Undefined where the fields say nothing: then we are anonymous. */
export function credentialsOf(fields: AuthFields | undefined): Credentials | undefined {
  if (!fields) return undefined;
  if (fields.registrytoken) return { kind: 'bearer', token: fields.registrytoken };
  if (fields.identitytoken) return { kind: 'identity', token: fields.identitytoken };
  const { username, password } = fields;
  if (username && password !== undefined) return { kind: 'password', username, password };
  const [, name = '', secret = ''] = /^([^:]+):(.*)$/s.exec(Buffer.from(fields.auth ?? '', 'base64').toString()) ?? [];
  return name === '' ? undefined : { kind: 'password', username: name, password: secret.replace(/\0+$/, '') };
}
