import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A proxy on loopback that knows names of its own: plain requests by their whole address, tunnels by CONNECT. */
export interface TestProxy {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** `GET http://registry.test/v2/`, `CONNECT registry.test:443`. */
  readonly asked: string[];
  readonly headers: IncomingMessage['headers'][];
  close(): void;
}

export interface ProxyOptions {
  /** Where a name of the outside lies: `registry.test:80` on `127.0.0.1:4711`. */
  readonly names: Readonly<Record<string, string>>;
  /** `user:password` that it wants. */
  readonly login?: string;
  /** Makes no tunnels but to port 443, as most do. */
  readonly strict?: boolean;
}

export async function openProxy({ names, login, strict = false }: ProxyOptions): Promise<TestProxy> {
  const asked: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const sockets = new Set<Socket>();
  const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`;
  const isWelcome = (request: IncomingMessage) => !wanted || request.headers['proxy-authorization'] === wanted;
  const placeOf = (target: string) => {
    const [host = '', port = ''] = (names[target] ?? '').split(':');
    return host === '' ? undefined : { host, port: Number(port) };
  };
  const note = (request: IncomingMessage) => {
    asked.push(`${request.method} ${request.url}`);
    headers.push(request.headers);
  };
  const forward = (request: IncomingMessage, response: ServerResponse) => {
    note(request);
    const url = URL.parse(request.url ?? '');
    const place = url && placeOf(`${url.hostname}:${url.port || 80}`);
    if (!isWelcome(request)) return void response.writeHead(407).end();
    if (!url || !place) return void response.writeHead(502).end();
    const { 'proxy-authorization': _ours, ...rest } = request.headers;
    const path = `${url.pathname}${url.search}`;
    const onward = send({ ...place, path, method: request.method, headers: rest }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  };
  const server = createServer(forward);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    note(request);
    const { url = '' } = request;
    const place = placeOf(url);
    const status = !isWelcome(request) ? 407 : strict && !url.endsWith(':443') ? 403 : place ? 200 : 502;
    socket.write(`HTTP/1.1 ${status} x\r\n\r\n`);
    if (status !== 200 || !place) return void socket.end();
    const onward = connect(place);
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
    sockets.add(socket).add(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  };
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked, headers, close };
}
