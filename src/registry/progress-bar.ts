/** One thing that happened during a pull or push, in Docker's words: to one layer, named by its short digest, or at all. */
export interface TransferProgress {
  readonly status: string;
  readonly layer?: string;
  /** What a message that is of no layer begins with. */
  readonly id?: string;
  readonly current?: number;
  readonly total?: number;
  readonly aux?: { readonly Tag: string; readonly Digest: string; readonly Size: number };
}

export type Report = (progress: TransferProgress) => void;

const stepMs = 100;

/** Reports how far something is, at most ten times a second and always at its end. */
export function meter(
  report: Report,
  about: { readonly status: string; readonly layer: string; readonly total: number },
) {
  let shownMs = 0;
  let shown = -1;
  return (current: number): void => {
    if (current === shown || (current < about.total && performance.now() - shownMs < stepMs)) return;
    [shown, shownMs] = [current, performance.now()];
    report({ ...about, current });
  };
}
