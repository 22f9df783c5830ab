import type { EngineApi } from '../../api/engine-api.ts';
import { codeOf, IechorError } from '../../common/error.ts';
import type { HookCommand, PreStart, StepHooks } from '../plan/plan.ts';
import { withSeccompProfiles } from '../seccomp-profiles.ts';
import { deliverFiles } from './deliver-files.ts';
import type { StepContext } from './execute.ts';
import { lastLines } from './last-lines.ts';
import { pullImage } from './pull-image.ts';
import { runCommand } from './run-command.ts';

export interface HookContext {
  readonly engine: EngineApi;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly report: StepContext['report'];
  readonly kill: AbortSignal;
}

/** Runs commands in a running container, one after the other. Throws CONTAINER_START_FAILED at the first that fails. */
export async function runHooks(
  id: string,
  { service, commands }: { readonly service: string; readonly commands: readonly HookCommand[] | undefined },
  { engine, report, kill }: HookContext,
): Promise<void> {
  for (const command of commands ?? []) {
    const onLine = (output: string) => report({ output });
    const { exitCode, output } = await runCommand(engine, id, { ...command, onLine, signal: kill });
    if (exitCode !== 0)
      throw failed(service, { command: command.command, exitCode, lines: output.trimEnd().split('\n').slice(-5) });
  }
}

/** `pre_stop` before a stop. What has ended by itself meanwhile needs none. */
export async function runPreStop(id: string, hooks: StepHooks | undefined, context: HookContext): Promise<void> {
  if (!hooks?.preStop) return;
  try {
    await runHooks(id, { service: hooks.service, commands: hooks.preStop }, context);
  } catch (error) {
    if (!['CONTAINER_NOT_FOUND', 'NOT_FOUND', 'WRONG_STATE', 'IN_USE'].includes(codeOf(error) ?? '')) throw error;
  }
}

/** `x-iechor.pre_start`: each in a container of its own, which is gone afterwards. */
export async function runPreStarts(hooks: StepHooks | undefined, context: HookContext): Promise<void> {
  for (const one of hooks?.preStart ?? []) await runPreStart(hooks?.service ?? '', one, context);
}

async function runPreStart(
  service: string,
  { title, name, body, files }: PreStart,
  context: HookContext,
): Promise<void> {
  const { engine, environment, report, kill: signal } = context;
  await discard(engine, name); // of a run that was killed
  report({ detail: `pre_start: ${(body.Cmd ?? []).join(' ')}` });
  const create = () => engine.containerCreate({ name, body: withSeccompProfiles(body), signal });
  const { Id: id } = await create().catch(async (error: unknown) => {
    if (codeOf(error) !== 'IMAGE_NOT_FOUND') throw error;
    await pullImage(engine, { image: body.Image ?? '' }, { report, signal });
    return create();
  });
  try {
    if (files.length > 0) await deliverFiles(engine, id, { files, environment, signal });
    await engine.containerStart({ id, signal });
    const { StatusCode: exitCode } = await engine.containerWait({ id, signal });
    const lines = await lastLines(engine, { Id: id }, exitCode === 0 ? 100 : 5);
    for (const output of lines) report({ output });
    if (exitCode !== 0) throw failed(service, { title, command: body.Cmd ?? [], exitCode, lines });
  } finally {
    await discard(engine, id);
  }
}

async function discard(engine: EngineApi, id: string): Promise<void> {
  try {
    await engine.containerRemove({ id, force: true, v: true });
  } catch (error) {
    if (codeOf(error) !== 'CONTAINER_NOT_FOUND' && codeOf(error) !== 'NOT_FOUND') throw error;
  }
}

function failed(
  service: string,
  {
    title = 'hook',
    command,
    exitCode,
    lines,
  }: { title?: string; command: readonly string[]; exitCode: number; lines: readonly string[] },
): IechorError {
  const said = lines.filter((line) => line !== '');
  return new IechorError(
    'CONTAINER_START_FAILED',
    `${service} ${title} exited with status ${exitCode}: ${command.join(' ')}`,
    {
      hint: said.length > 0 ? `it wrote last: ${said.join(' | ')}` : 'it wrote nothing',
    },
  );
}
