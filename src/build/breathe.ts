import { setImmediate } from 'node:timers/promises';

const sliceMs = 8;

/**
 * For loops of short synchronous calls, which are many times faster than asynchronous ones: lets others have the
 * thread every few milliseconds.
 */
export function createBreath(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < sliceMs) return undefined;
    return setImmediate().then(() => {
      since = performance.now();
    });
  };
}
