import { spawn } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { IechorError, messageOf } from '../common/error.ts';

/** What runs there: whichever engine's command is installed hands its socket on. */
const remoteCommand =
  'if command -v iechor >/dev/null 2>&1; then exec iechor system dial-stdio; else exec docker system dial-stdio; fi';

/**
 * A connection to the engine of a host, over the user's own ssh with its configuration, keys and agent. A failure of ssh
 * destroys the connection with what ssh said last.
 */
export function dialSsh(url: URL): Duplex {
  const target = [...(url.port ? ['-p', url.port] : []), ...(url.username ? ['-l', url.username] : [])];
  const child = spawn('ssh', ['-o', 'ConnectTimeout=30', '-T', ...target, '--', url.hostname, remoteCommand], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-4096);
  });
  const stream = duplexOf(child.stdout, child.stdin);
  const fail = (reason: string, cause?: unknown) =>
    stream.destroy(
      new IechorError('DAEMON_UNREACHABLE', `no engine answers at ${url.href}: ${reason}`, {
        hint: 'does "ssh" reach the host without a password, and is iechor or docker installed there?',
        cause,
      }),
    );
  child.on('error', (error) => fail(messageOf(error), error));
  // Everything it said is there only now; what failed to be written before is told by that.
  child.on('close', (status) => {
    if (status !== 0) fail(said.trim().split('\n').at(-1) || `ssh ended with ${status}`);
    else stream.push(null);
  });
  stream.on('close', () => child.kill());
  return asSocket(stream);
}

function duplexOf(from: Readable, to: Writable): Duplex {
  to.on('error', () => {});
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => void from.resume(),
    write: (chunk, _encoding, done) => void to.write(chunk, (error) => error ?? done()),
    final: (done) => void to.end(() => done()),
  });
  from.on('data', (chunk) => stream.push(chunk) || from.pause());
  return stream;
}

/** What an HTTP client does to sockets beside reading and writing means nothing to a pipe. */
function asSocket(stream: Duplex): Duplex {
  const none = () => stream;
  return Object.assign(stream, { setKeepAlive: none, setNoDelay: none, setTimeout: none, ref: none, unref: none });
}
