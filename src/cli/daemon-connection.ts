import type { DaemonApi } from '../api/daemon-api.ts';
import { answers } from './answers.ts';
import { connectTo, type EngineChoice } from './connect.ts';
import { resolveEndpoint } from './endpoint.ts';

/** The running daemon of the chosen endpoint, or undefined; it is never started for the question. */
export async function runningDaemon(globals: EngineChoice): Promise<DaemonApi | undefined> {
  const endpoint = resolveEndpoint(globals, process.env);
  if ('socketPath' in endpoint && !(await answers(endpoint.socketPath))) return undefined;
  return connectTo(endpoint);
}
