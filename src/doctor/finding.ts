/** What a check found. `fail`: containers cannot run; `warn`: something will not work or is not safe; `info`: for knowledge. */
export interface Finding {
  readonly status: 'ok' | 'info' | 'warn' | 'fail';
  readonly name: string;
  /** What was found, in one line. */
  readonly detail: string;
  /** What to do about it: a command, or a sentence. */
  readonly fix?: string;
  /** A fix that changes nothing but what it says, and can be taken back: applied by `doctor --fix`. */
  readonly repair?: Repair;
}

export type Repair =
  | { readonly kind: 'install'; readonly packages: readonly string[] }
  | { readonly kind: 'mount-controller'; readonly controller: string }
  | { readonly kind: 'load-module'; readonly module: string };

/** One look at the machine. Never throws for what it looks for; changes nothing that lasts. */
export type Check = () => Promise<readonly Finding[]>;
