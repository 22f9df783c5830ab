import { type AgentOptions, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { request as httpsRequest } from 'node:https';
import { hostName } from './hosts.ts';

/** Code of the error where a proxy makes no tunnel. */
export const tunnelRefused = 'PROXY_REFUSED';

type Done = (error: Error | null, socket: Socket) => void;

/** An agent whose connections to the `https:` origin of `url` go through a proxy's tunnel (CONNECT). */
export function tunnelingAgent(url: URL, proxy: URL, options: AgentOptions & ConnectionOptions): HttpsAgent {
  const agent = new HttpsAgent(options);
  const create = (_options: unknown, done: Done) => {
    tunnel(url, proxy).then(
      (socket) => {
        const name = hostName(url.host);
        const secured = connectTls({ ...options, socket, servername: /^[0-9.]+$|:/.test(name) ? '' : name });
        secured.once('secureConnect', () => done(null, secured));
        secured.once('error', (error) => done(error, secured));
      },
      (error: Error) => done(error, undefined as unknown as Socket),
    );
    return undefined;
  };
  return Object.assign(agent, { createConnection: create });
}

/** What a request in plain text says to a proxy: the whole address, since many tunnel to port 443 alone. */
export function throughProxy(
  url: URL,
  proxy: URL,
): { readonly path: string; readonly headers: Record<string, string> } {
  return { path: url.href, headers: { Host: url.host, ...authorizationFor(proxy) } };
}

function authorizationFor({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const secret = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return { 'Proxy-Authorization': `Basic ${secret}` };
}

function tunnel(url: URL, proxy: URL): Promise<Socket> {
  const target = `${url.hostname}:${url.port || '443'}`;
  return new Promise((resolve, reject) => {
    const open = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
    const asking = open({
      ...{ host: hostName(proxy.host), port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80) },
      ...{ method: 'CONNECT', path: target, agent: false },
      headers: { Host: target, ...authorizationFor(proxy) },
    });
    const refuse = (reason: string, code?: string) =>
      reject(Object.assign(new Error(`the proxy ${proxy.host} ${reason}`), { code }));
    asking.setTimeout(30_000, () => asking.destroy(new Error('no reply within 30 s')));
    asking.once('error', (error) => refuse(`cannot be used: ${error.message}`));
    asking.once('response', ({ statusCode }) => {
      asking.destroy();
      refuse(`answered with status ${statusCode}`, tunnelRefused);
    });
    asking.once('connect', ({ statusCode }, socket: Socket) => {
      socket.setTimeout(0);
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      refuse(`answered with status ${statusCode}`, tunnelRefused);
    });
    asking.end();
  });
}
