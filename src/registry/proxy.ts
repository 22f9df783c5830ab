import { Agent as HttpAgent, type AgentOptions, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { request as httpsRequest } from 'node:https';
import { hostName } from './hosts.ts';

type Done = (error: Error | null, socket: Socket) => void;

/** An agent whose connections to the origin of `url` go through a proxy's tunnel (CONNECT), for both schemes. */
export function proxiedAgent(url: URL, proxy: URL, options: AgentOptions & ConnectionOptions): HttpAgent | HttpsAgent {
  const isTls = url.protocol === 'https:';
  const agent = isTls ? new HttpsAgent(options) : new HttpAgent(options);
  const create = (_options: unknown, done: Done) => {
    tunnel(url, proxy).then(
      (socket) => {
        if (!isTls) return done(null, socket);
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

function tunnel(url: URL, proxy: URL): Promise<Socket> {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const target = `${url.hostname}:${port}`;
  const secret =
    proxy.username === '' ? undefined : `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return new Promise((resolve, reject) => {
    const open = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
    const asking = open({
      ...{ host: hostName(proxy.host), port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80) },
      ...{ method: 'CONNECT', path: target, agent: false },
      headers: {
        Host: target,
        ...(secret !== undefined && { 'Proxy-Authorization': `Basic ${Buffer.from(secret).toString('base64')}` }),
      },
    });
    const refuse = (reason: string) => reject(new Error(`the proxy ${proxy.host} ${reason}`));
    asking.setTimeout(30_000, () => asking.destroy(new Error('no reply within 30 s')));
    asking.once('error', (error) => refuse(`cannot be used: ${error.message}`));
    asking.once('response', ({ statusCode }) => {
      asking.destroy();
      refuse(`answered with status ${statusCode}`);
    });
    asking.once('connect', ({ statusCode }, socket: Socket) => {
      socket.setTimeout(0);
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      refuse(`answered with status ${statusCode}`);
    });
    asking.end();
  });
}
