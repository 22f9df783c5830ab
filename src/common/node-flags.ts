/**
 * How Node runs our programs (`scripts/node.sh` has the same for those that the shell starts).
 *
 * V8 must not compile in threads of its own: `process.exit` waits for them, and one that has run out of heap waits for
 * the main thread to collect it. It takes no more processor time so, and a little less where a command is short.
 */
export const nodeFlags: readonly string[] = [
  '--disable-warning=ExperimentalWarning',
  '--no-concurrent-recompilation',
  '--no-concurrent-sparkplug',
];
