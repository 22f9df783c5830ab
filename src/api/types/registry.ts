/** Wire shapes of what concerns registries: Docker Engine API 1.51, with Docker's own names and casing. */

/** Who a client is to one registry: the content of `X-Registry-Auth`, as base64url of JSON. */
export interface RegistryAuth {
  username?: string;
  password?: string;
  /** `username:password` in base64. */
  auth?: string;
  email?: string;
  serveraddress?: string;
  /** From an earlier login, in place of the password. */
  identitytoken?: string;
  /** An access token as it is. */
  registrytoken?: string;
}

export interface AuthReply {
  Status: string;
  /** To be kept in place of the password; empty where the registry gives none. */
  IdentityToken: string;
}

export interface SearchItem {
  name: string;
  description: string;
  star_count: number;
  is_official: boolean;
  is_automated: boolean;
}
