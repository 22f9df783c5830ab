/** The last time of a stream whose writer has ended. */
export interface Linger {
  /** Calls back once nothing was held for so many milliseconds on end. */
  begin(milliseconds: number): void;
  /** While the stream is held back by its reader, no time passes. */
  hold(isHeld: boolean): void;
}

export function createLinger(over: () => void): Linger {
  let patience: number | undefined;
  let isHeld = false;
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    if (isHeld) {
      clearTimeout(timer);
      timer = undefined;
    } else if (patience !== undefined) timer ??= setTimeout(over, patience).unref();
  };
  return {
    begin(milliseconds) {
      patience ??= milliseconds;
      look();
    },
    hold(held) {
      isHeld = held;
      look();
    },
  };
}
