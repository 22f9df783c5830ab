import { get } from 'node:http';

export interface LoadResult {
  readonly answered: number;
  /** One word for each request that got no whole answer. */
  readonly failures: readonly string[];
  /** Bodies by how often they came. */
  readonly bodies: ReadonlyMap<string, number>;
}

/**
 * Requests to a published port of this machine, each over a connection of its own, `inFlight` at a time: until there
 * were `requests` of them and, where given, `until` has resolved.
 */
export async function load(
  port: number,
  options: { readonly requests: number; readonly inFlight: number; readonly until?: Promise<unknown> },
): Promise<LoadResult> {
  const bodies = new Map<string, number>();
  const failures: string[] = [];
  let sent = 0;
  let going = options.until !== undefined;
  options.until?.finally(() => (going = false)).catch(() => undefined);
  const worker = async () => {
    while (sent < options.requests || going) {
      sent += 1;
      try {
        const body = await ask(port);
        bodies.set(body, (bodies.get(body) ?? 0) + 1);
      } catch (error) {
        failures.push((error as NodeJS.ErrnoException).code ?? String(error));
      }
      // Spread over time, so that what is asked for happens among them.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await Promise.all(Array.from({ length: options.inFlight }, worker));
  return { answered: sent - failures.length, failures, bodies };
}

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent: false, timeout: 20_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text.trim());
        else reject(Object.assign(new Error(), { code: `HTTP_${response.statusCode}` }));
      });
    });
    request.on('timeout', () => request.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })));
    request.on('error', reject);
  });
}
