import { setTimeout } from 'node:timers/promises';
import type { EngineApi } from '../api/engine-api.ts';
import type { StreamSession } from '../api/streams.ts';
import type { ExecCreateBody, ExecInspect } from '../api/types/exec.ts';
import { IechorError, isIechorError, messageOf } from '../common/error.ts';
import { newId } from '../common/id.ts';
import { processInfo } from '../host/proc.ts';
import type { ExecHandle } from '../host/runtime-port.ts';
import { defaultDetachKeys } from './attach.ts';
import { execFailure, inDockersWords } from './command-error.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { createDetachFilter, parseDetachKeys } from './detach-keys.ts';
import { execProcess, execUser } from './exec-process.ts';
import type { ExecInstance } from './exec-store.ts';
import type { LifeContext } from './life.ts';
import { publishContainer } from './notify.ts';
import { createSession } from './session.ts';

type Request<Op extends keyof EngineApi> = Parameters<EngineApi[Op]>[0];

/** Prepares a further process in a running container. Nothing runs before `execStart`. */
export async function execCreate(context: EngineContext, { id, body }: Request<'execCreate'>): Promise<{ Id: string }> {
  const record = runningContainer(context, id);
  if (!body.Cmd || body.Cmd.length === 0) throw new IechorError('BAD_REQUEST', 'No exec command specified');
  if (body.DetachKeys) parseDetachKeys(body.DetachKeys);
  // An unknown user is refused here: nobody reads a status once the output is on its way.
  execUser(context, record, body.User);
  const instance: ExecInstance = {
    id: newId(),
    containerId: record.id,
    body,
    state: 'created',
    started: Promise.withResolvers(),
    exitCode: null,
  };
  context.execs.add(instance);
  publishExec(context, instance, `exec_create: ${commandText(body)}`);
  return { Id: instance.id };
}

/** As Docker's events have it: a blank after the program, also without arguments. */
const commandText = ({ Cmd }: ExecCreateBody) => `${Cmd?.[0] ?? ''} ${Cmd?.slice(1).join(' ') ?? ''}`;

function runningContainer(context: EngineContext, id: string): ContainerRecord {
  const record = context.containers.get(id);
  if (record.status === 'paused') {
    throw new IechorError('WRONG_STATE', `Container ${id} is paused, unpause the container before exec`);
  }
  if (record.status === 'running') return record;
  throw new IechorError('WRONG_STATE', `container ${record.id} is not running`, {
    hint: `start it first: iechor start ${record.name}`,
  });
}

/** Runs a prepared process, once. The session ends with its output; detached, the process runs on by itself. */
export async function execStart(
  context: LifeContext,
  { id, body, signal }: Request<'execStart'>,
): Promise<StreamSession> {
  const instance = context.execs.get(id);
  if (instance.state !== 'created') {
    const state = instance.state === 'ended' ? 'has already run' : 'is already running';
    throw new IechorError('WRONG_STATE', `exec command ${instance.id} ${state}`);
  }
  const record = runningContainer(context, instance.containerId);
  instance.state = 'starting';
  let handle: ExecHandle;
  try {
    handle = await startProcess(context, { record, instance, consoleSize: body.ConsoleSize });
  } catch (error) {
    end(context, instance, startExitCode(error));
    instance.started.resolve();
    throw inDockersWords(error, instance.body.Cmd?.[0] ?? '');
  }
  instance.state = 'running';
  instance.handle = handle;
  instance.started.resolve();
  publishExec(context, instance, `exec_start: ${commandText(instance.body)}`);
  const ended = handle.exit.then(
    (exitCode) => end(context, instance, exitCode),
    () => end(context, instance, 137),
  );
  if (body.Detach) await throwUnlessStarted(handle, instance.body.Cmd?.[0] ?? '');
  const session = sessionOf(instance, handle, ended);
  if (body.Detach) session.close();
  else signal?.addEventListener('abort', session.close, { once: true });
  return session;
}

/** Whoever does not read the output is told by an error what kept the process from starting. */
async function throwUnlessStarted(handle: ExecHandle, command: string): Promise<void> {
  await handle.known();
  if (handle.pid !== 0) return;
  const code = await handle.exit;
  const pieces: Buffer[] = [];
  for await (const { data } of handle.output) pieces.push(Buffer.from(data));
  const words = execFailure(Buffer.concat(pieces).toString(), command);
  if (words === undefined) return;
  throw new IechorError(code === 127 ? 'COMMAND_NOT_FOUND' : 'COMMAND_NOT_EXECUTABLE', words);
}

function startExitCode(error: unknown): number {
  if (isIechorError(error) && (error.exit === 126 || error.exit === 127)) return error.exit;
  return /no such file or directory/i.test(messageOf(error)) ? 127 : 126;
}

function startProcess(
  context: LifeContext,
  options: {
    readonly record: ContainerRecord;
    readonly instance: ExecInstance;
    readonly consoleSize: readonly [number, number] | null | undefined;
  },
): Promise<ExecHandle> {
  const { body } = options.instance;
  const [rows, columns] = options.consoleSize ?? body.ConsoleSize ?? [0, 0];
  return context.exec({
    id: options.record.id,
    process: execProcess(context, options.record, {
      args: body.Cmd ?? [],
      env: body.Env ?? [],
      tty: body.Tty === true,
      privileged: body.Privileged === true,
      ...(body.WorkingDir && { cwd: body.WorkingDir }),
      ...(body.User && { user: body.User }),
    }),
    ...(body.Tty && rows > 0 && columns > 0 && { rows, columns }),
    stdin: body.AttachStdin === true,
  });
}

function end(context: EngineContext, instance: ExecInstance, exitCode: number): void {
  instance.state = 'ended';
  instance.exitCode = exitCode;
  instance.endedAt = Date.now();
  instance.pid = instance.handle?.pid ?? 0;
  delete instance.handle;
  publishExec(context, instance, 'exec_die', { exitCode: String(exitCode) });
}

function publishExec(
  context: EngineContext,
  instance: ExecInstance,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  const record = context.containers.find(instance.containerId);
  if (record) publishContainer(context, record, action, { execID: instance.id, ...attributes });
}

function sessionOf(instance: ExecInstance, handle: ExecHandle, exit: Promise<void>): StreamSession {
  const { body } = instance;
  const detach = body.Tty && createDetachFilter(parseDetachKeys(body.DetachKeys || defaultDetachKeys));
  return createSession({
    connection: Promise.resolve({ ...handle, output: reworded(handle, body.Cmd?.[0] ?? '') }),
    wants: (stream) => (stream === 'stderr' ? body.AttachStderr : body.AttachStdout) === true,
    takesInput: body.AttachStdin === true,
    ...(detach && { filterInput: detach }),
    isAlive: () => instance.state === 'running' && (handle.pid === 0 || processInfo(handle.pid) !== undefined),
    outlives: true,
    exit,
  });
}

/**
 * What the runtime says of a command that it could not start, in Docker's words and on the stream Docker uses for them.
 * A process has a pid by then.
 */
async function* reworded(handle: ExecHandle, command: string): ExecHandle['output'] {
  for await (const frame of handle.output) {
    const words = handle.pid === 0 ? execFailure(Buffer.from(frame.data).toString(), command) : undefined;
    yield words === undefined ? frame : { stream: 'stdout', data: Buffer.from(`${words}\r\n`) };
  }
}

export async function execInspect(context: EngineContext, { id }: Request<'execInspect'>): Promise<ExecInspect> {
  const instance = context.execs.get(id);
  if (!context.containers.find(instance.containerId)) {
    throw new IechorError('EXEC_NOT_FOUND', `No such exec instance: ${id}`);
  }
  const { body } = instance;
  const [entrypoint = '', ...args] = body.Cmd ?? [];
  return {
    ID: instance.id,
    Running: instance.state === 'starting' || instance.state === 'running',
    ExitCode: instance.exitCode,
    ProcessConfig: {
      tty: body.Tty === true,
      entrypoint,
      arguments: args,
      privileged: body.Privileged === true,
      ...(body.User && { user: body.User }),
    },
    OpenStdin: body.AttachStdin === true,
    OpenStderr: body.AttachStderr === true,
    OpenStdout: body.AttachStdout === true,
    CanRemove: false,
    ContainerID: instance.containerId,
    DetachKeys: body.DetachKeys ?? '',
    Pid: instance.handle?.pid ?? instance.pid ?? 0,
  };
}

const startWaitMilliseconds = 10_000;

/** Clients say the terminal's size as soon as their request to start is taken up: one that is not yet is waited for. */
export async function execResize(context: EngineContext, { id, h, w, signal }: Request<'execResize'>): Promise<void> {
  const instance = context.execs.get(id);
  if (context.containers.find(instance.containerId)) runningContainer(context, instance.containerId);
  const waited = new AbortController();
  const either = signal ? AbortSignal.any([signal, waited.signal]) : waited.signal;
  const tooLong = setTimeout(startWaitMilliseconds, 'too long', { signal: either }).catch(() => 'gone');
  const late = await Promise.race([instance.started.promise, tooLong]);
  waited.abort();
  if (late) throw new IechorError('WRONG_STATE', `exec instance ${instance.id} was not started in time`);
  if (instance.handle) return instance.handle.resize(h, w);
  if (!instance.pid) throw new IechorError('BAD_REQUEST', 'exec process is not started');
  throw new IechorError('EXEC_NOT_FOUND', `the process of exec instance ${instance.id} does not exist any more`);
}
