import { Readable } from 'node:stream';
import { IechorError, messageOf } from '../common/error.ts';

const maxRedirects = 5;

/** What an http or https address holds. Throws BAD_REQUEST with the reason; nothing else is opened by an address. */
export async function openUrl(address: string, signal: AbortSignal): Promise<Readable> {
  let url = parse(address);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await get(url, signal);
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      const next = parse(new URL(location, url).href);
      if (url.protocol === 'https:' && next.protocol !== 'https:') throw failed(url, 'it leads to plain text');
      url = next;
      continue;
    }
    if (response.ok && response.body) return Readable.fromWeb(response.body);
    await response.body?.cancel();
    throw failed(url, `the server answered with status ${response.status}`);
  }
  throw failed(url, 'it redirects without end');
}

function parse(address: string): URL {
  const url = URL.parse(address);
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new IechorError('BAD_REQUEST', `not an http or https address: ${address.slice(0, 200)}`);
}

async function get(url: URL, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { redirect: 'manual', signal });
  } catch (cause) {
    if (signal.aborted) throw new IechorError('INTERRUPTED', 'the download was interrupted');
    const reason = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
    throw failed(url, reason, cause);
  }
}

/** Names no user or password of the address. */
function failed(url: URL, reason: string, cause?: unknown): IechorError {
  return new IechorError('BAD_REQUEST', `${url.origin}${url.pathname} cannot be downloaded: ${reason}`, { cause });
}
