import type { Log } from '../common/log.ts';
import type { ImageStore } from '../image/image-port.ts';
import type { Credentials } from './credentials.ts';
import type { Downloads } from './downloads.ts';
import type { Report } from './progress-bar.ts';
import type { Sessions } from './sessions.ts';
import type { RegistrySettings } from './settings.ts';
import type { Shared } from './shared.ts';
import type { TrustPolicy } from './trust-policy.ts';

/** What pulls and pushes of one daemon share. */
export interface RegistryContext {
  readonly images: ImageStore;
  readonly dataRoot: string;
  readonly settings: RegistrySettings;
  readonly sessions: Sessions;
  readonly downloads: Downloads;
  /** Layers being unpacked, by chain id; events are bytes of the archive that were read. */
  readonly unpacking: Shared<number, void>;
  readonly log: Log;
  /** Which images are taken; looked at before anything of one is fetched. */
  readonly policy?: (() => TrustPolicy) | undefined;
}

export interface TransferOptions {
  readonly credentials?: Credentials | undefined;
  readonly onProgress?: Report;
  readonly signal?: AbortSignal | undefined;
}
