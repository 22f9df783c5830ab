/** Wire shapes of secrets and configs: Docker Engine API 1.51, with Docker's own names and casing. */

/** Body of POST /secrets/create, /configs/create and their updates. */
export interface SecretSpec {
  Name: string;
  Labels?: Record<string, string> | null;
  /** Base64. At most 500 KiB for a secret, 1000 KiB for a config. */
  Data?: string;
  Driver?: { Name?: string; Options?: Record<string, string> };
  Templating?: { Name?: string; Options?: Record<string, string> };
}

/** A secret, without its data, or a config with them. */
export interface Secret {
  ID: string;
  Version: { Index: number };
  CreatedAt: string;
  UpdatedAt: string;
  Spec: SecretSpec;
}
