import { connect } from '../api/client.ts';
import type { DaemonApi } from '../api/daemon-api.ts';
import { answers } from './answers.ts';
import { resolveEndpoint } from './endpoint.ts';
import type { Globals } from './globals.ts';

/** The running daemon of the chosen endpoint, or undefined; it is never started for the question. */
export async function runningDaemon(globals: Pick<Globals, 'host'>): Promise<DaemonApi | undefined> {
  const { socketPath } = resolveEndpoint(globals, process.env);
  return (await answers(socketPath)) ? connect({ socketPath }) : undefined;
}
