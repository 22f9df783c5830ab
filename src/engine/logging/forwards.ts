import { hostname } from 'node:os';
import { parseBytes } from '../../common/bytes.ts';
import { codeOf, IechorError, messageOf } from '../../common/error.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { EngineContext } from '../context.ts';
import type { LifeContext } from '../life.ts';
import { forwardedPath, logPath } from '../paths.ts';
import { type ForwardOptions, startForward } from './forward.ts';
import { newId } from '../../common/id.ts';
import { journalFields, journalMessage } from './journal-message.ts';
import { forwarding } from './log-config.ts';
import { type LogSink, openJournalSink, openSyslogSink } from './log-sink.ts';
import { renderTag } from './log-tag.ts';
import { syslogMessage } from './syslog-message.ts';
import { syslogOptions } from './syslog-options.ts';

type Driver = Pick<ForwardOptions, 'open' | 'message'>;

/** How long a removal waits for a log to be sent. */
const removalPatienceMs = 2000;

/** Sends the log of a container on, where its driver does; `ended`: there is only a remainder. Idempotent. */
export function forwardLog(context: LifeContext, record: ContainerRecord, options: { ended?: boolean } = {}): void {
  const { forwards } = context.life;
  if (!sendsOn(record) || context.life.closing) return;
  const before = forwards.get(record.id);
  before?.stop();
  const waiting = new AbortController();
  const end = options.ended
    ? Promise.resolve()
    : context.monitor.awaitExit(record.id, waiting.signal).catch(() => undefined);
  const forward = startForward({
    ...driverOf(context, record),
    container: record.id,
    path: logPath(context.roots, record.id),
    positionPath: forwardedPath(context.roots, record.id),
    end,
    ...(before && { after: before.done }),
    log: context.log,
  });
  const stop = () => {
    forward.stop();
    waiting.abort();
  };
  forwards.set(record.id, { ...forward, stop });
  void forward.done.then(() => {
    waiting.abort();
    if (forwards.get(record.id)?.done === forward.done) forwards.delete(record.id);
  });
}

/** Lets what is left of a log be sent before it is removed, for a moment. */
export async function finishForward(context: LifeContext, id: string): Promise<void> {
  const forward = context.life.forwards.get(id);
  if (!forward) return;
  const patience = new Promise<boolean>((resolve) => setTimeout(resolve, removalPatienceMs, false).unref());
  const sent = await Promise.race([forward.done.then(() => true), patience]);
  if (!sent) context.log.warn('a log was removed before all of it was sent on', { container: id });
  forward.stop();
  await forward.done;
}

/** Lets go of all; the next daemon goes on where this one came to. */
export async function stopForwards(context: LifeContext): Promise<void> {
  const forwards = [...context.life.forwards.values()];
  for (const { stop } of forwards) stop();
  await Promise.all(forwards.map(({ done }) => done));
}

/** Throws CONTAINER_START_FAILED, in Docker's words, where nobody is there to take the log. */
export async function reachLogServer(context: EngineContext, record: ContainerRecord): Promise<void> {
  if (!sendsOn(record)) return;
  try {
    (await driverOf(context, record).open()).close();
  } catch (error) {
    throw new IechorError(
      'CONTAINER_START_FAILED',
      `failed to create task for container: failed to initialize logging driver: ${messageOf(error)}`,
      {
        cause: error,
        ...(codeOf(error) === 'HOST_UNSUPPORTED' && {
          hint: 'logs go to the journal or to syslog only where there is one',
        }),
      },
    );
  }
}

function sendsOn({ body }: ContainerRecord): boolean {
  return forwarding.has(body.HostConfig?.LogConfig?.Type ?? '');
}

function driverOf(context: EngineContext, record: ContainerRecord): Driver {
  if (record.body.HostConfig?.LogConfig?.Type === 'journald') return journal(context, record);
  return syslog(record);
}

function syslog(record: ContainerRecord): Driver {
  const config = record.body.HostConfig?.LogConfig?.Config ?? {};
  // The address is read when it is needed: a socket of the host may have gone meanwhile.
  const open = async (): Promise<LogSink> => openSyslogSink(syslogOptions(config).target, bufferOf(config));
  const { 'syslog-address': address = '', ...rest } = config;
  const { format, facility } = syslogOptions(rest);
  const source = {
    ...{ format, facility, hostname: hostname(), processId: process.pid },
    tag: renderTag(config.tag || '{{.ID}}', record),
    framed: address.startsWith('tcp+tls:'),
  };
  return { open, message: (line) => (line.data.length === 0 ? undefined : syslogMessage(source, line)) };
}

/** Without `mode=non-blocking` each batch is waited for; Docker's buffer is 1 MiB unless told otherwise. */
function bufferOf(config: Readonly<Record<string, string>>): number {
  return config.mode === 'non-blocking' ? (parseBytes(config['max-buffer-size'] ?? '1m') ?? 0) : 0;
}

function journal(context: EngineContext, record: ContainerRecord): Driver {
  // Numbers of entries count from the epoch: a daemon that goes on begins one of its own.
  const fields = { ...journalFields(record), CONTAINER_LOG_EPOCH: newId() };
  let ordinal = 0;
  return {
    open: () => openJournalSink(context.settings.journalSocket),
    message: (line) => {
      ordinal += 1;
      return journalMessage(fields, line, ordinal);
    },
  };
}
