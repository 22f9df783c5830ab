import type { ProgressMessage } from '../../api/types/image.ts';

/** One way to show a build. */
export interface BuildView {
  take(message: ProgressMessage): void;
  /** The messages have ended, well or not. More may be written after it. Idempotent. */
  end(): void;
}
