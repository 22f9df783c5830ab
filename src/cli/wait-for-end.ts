import { setTimeout } from 'node:timers/promises';
import { codeOf, IechorError } from '../common/error.ts';

/** Resolves when the process is gone; throws DAEMON_UNREACHABLE when it is still there after ten seconds. */
export async function waitForEnd(pid: number): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await setTimeout(20)) {
    if (!isAlive(pid)) return;
  }
  throw new IechorError('DAEMON_UNREACHABLE', `the engine (process ${pid}) has not ended within ten seconds`, {
    hint: `look at its log (iechor daemon logs); kill ${pid} ends it by force, containers go on running`,
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
