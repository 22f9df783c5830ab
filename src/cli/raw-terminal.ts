import { spawnSync } from 'node:child_process';

/**
 * Puts our terminal into raw mode, its output too: a full-screen program moves down by bare line feeds, and Node's raw
 * mode has the terminal make new lines of them. Returns the way back.
 */
export function enterRawMode(stdin: Pick<NodeJS.ReadStream, 'setRawMode'>): () => void {
  stdin.setRawMode(true);
  // Node has no call for this; a machine without stty keeps what Node has set.
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  return () => stdin.setRawMode(false);
}
