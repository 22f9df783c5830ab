/** A file that is still being written, as its readers see it. */
export interface Growing {
  readonly path: string;
  /** Bytes that may be read. */
  readonly size: () => number;
  /** `complete` once no more will come and all of it is right; an error where that will never be. */
  readonly state: () => 'growing' | 'complete' | { readonly error: unknown };
  /** Calls back at the next change, once. Returns the way to take that back. */
  readonly onChange: (callback: () => void) => () => void;
  /** Told how far it has been read. */
  readonly onRead?: (position: number) => void;
}
