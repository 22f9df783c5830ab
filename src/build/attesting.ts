/** What is to be said about an image: attributes as `--attest` has them, by type. */
export type AttestationRequest = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Attesting {
  readonly provenance?: {
    readonly mode: 'min' | 'max';
    /** Of SLSA's format. */
    readonly version: 'v1' | 'v0.2';
    readonly builderId: string;
    readonly reproducible: boolean;
  };
  /** By the engine's own scanner (`own`), or by an image that scans. */
  readonly sbom?: 'own' | SbomGenerator;
}

export interface SbomGenerator {
  readonly image: string;
  /** Handed to it as variables. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Something that a build was made from, named by its content. */
export interface Material {
  readonly uri: string;
  /** `sha256:...`, or the id of a commit. */
  readonly digest: string;
}
