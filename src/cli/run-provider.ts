import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { codeOf, IechorError } from '../common/error.ts';
import type { ProviderCall, RunProvider } from '../compose/session.ts';

/**
 * Runs `TYPE compose --project-name=P up|down|stop --OPTION=VALUE... SERVICE` and reads its messages, one JSON object a
 * line (`info`, `error`, `setenv`, `rawsetenv`, `debug`): Docker Compose's protocol for providers. `stop` is only for
 * programs whose `metadata` has it. The program is a CLI plugin
 * (`docker-TYPE`, `iechor-TYPE`) or on PATH. Throws PROVIDER_FAILED.
 */
export const runProvider: RunProvider = async (call) => {
  const { provider, service, command, project } = call;
  const path = locate(provider.type, call.environment);
  const variables = { prefixed: {}, raw: {} };
  const accepts = await acceptedOptions(path, call);
  if (!accepts) return variables;
  const options = Object.entries(provider.options ?? {}).flatMap(([name, values]) =>
    accepts(name) ? values.map((value) => `--${name}=${value}`) : [],
  );
  const answer = start(path, ['compose', `--project-name=${project}`, command, ...options, service], call);
  let problem: string | undefined;
  for await (const line of answer.lines) {
    if (line.trim() === '' || problem !== undefined) continue;
    problem = take(line, variables, call);
  }
  const exit = await answer.exit;
  if (problem === undefined && exit !== 0) problem = `it ended with ${exit}${answer.said()}`;
  if (problem === undefined) return variables;
  throw failed(call, problem);
};

/** Takes one message in. Returns what is wrong with it, or what the program says is wrong. */
function take(
  line: string,
  variables: { prefixed: Record<string, string>; raw: Record<string, string> },
  { onInfo }: ProviderCall,
): string | undefined {
  const { type, message } = messageOf(line) ?? {};
  if (typeof message !== 'string') return `it wrote something else than messages: ${line.slice(0, 200)}`;
  switch (type) {
    case 'info':
      onInfo(message);
      return undefined;
    case 'debug':
      return undefined;
    case 'setenv':
    case 'rawsetenv': {
      const at = message.indexOf('=');
      if (at < 1) return `its ${type} is not NAME=value: ${message.slice(0, 200)}`;
      variables[type === 'setenv' ? 'prefixed' : 'raw'][message.slice(0, at)] = message.slice(at + 1);
      return undefined;
    }
    case 'error':
      return message;
    default:
      return `it sent a message of an unknown type: ${line.slice(0, 200)}`;
  }
}

function messageOf(line: string): { type?: unknown; message?: unknown } | undefined {
  try {
    return JSON.parse(line) as { type?: unknown; message?: unknown };
  } catch {
    return undefined; // said by the caller, with the line
  }
}

const failed = ({ service, provider, command }: ProviderCall, why: string): IechorError =>
  new IechorError('PROVIDER_FAILED', `provider ${provider.type} failed to bring ${service} ${command}: ${why}`, {
    hint: "the message is the provider's own",
  });

/** What `TYPE compose metadata` says it takes; a program that does not know it takes everything but `stop` (undefined). */
async function acceptedOptions(path: string, call: ProviderCall): Promise<((name: string) => boolean) | undefined> {
  const unknown = call.command === 'stop' ? undefined : () => true;
  const answer = start(path, ['compose', 'metadata'], call);
  let text = '';
  for await (const line of answer.lines) text += text.length < 1 << 20 ? line : '';
  if ((await answer.exit) !== 0) return unknown;
  const metadata = messageOf(text) as
    | Record<string, { parameters?: { name: string; required?: unknown }[] }>
    | undefined;
  if (!metadata || Object.keys(metadata).length === 0) return unknown;
  if (call.command === 'stop' && !metadata.stop) return undefined;
  const parameters = metadata[call.command]?.parameters ?? [];
  for (const { name, required } of parameters) {
    if ((required === true || required === 'true') && !call.provider.options?.[name]) {
      throw failed(call, `required parameter "${name}" is missing from its options`);
    }
  }
  return (name) => parameters.some((parameter) => parameter.name === name);
}

interface Answer {
  readonly lines: AsyncIterable<string>;
  readonly exit: Promise<number | string>;
  /** The end of what it wrote to standard error. */
  readonly said: () => string;
}

function start(path: string, args: readonly string[], call: ProviderCall): Answer {
  const child = spawn(path, args, {
    cwd: call.workingDirectory,
    env: { ...process.env, ...call.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: call.signal,
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-1000);
  });
  const exit = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(`${codeOf(error) ?? 'an error'}`));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 1));
  });
  return {
    lines: createInterface({ input: child.stdout }),
    exit,
    said: () => (errors.trim() === '' ? '' : `: ${errors.trim()}`),
  };
}

const pluginDirectories = (environment: Readonly<Record<string, string | undefined>>): string[] => [
  join(environment.DOCKER_CONFIG ?? join(homedir(), '.docker'), 'cli-plugins'),
  '/usr/local/lib/docker/cli-plugins',
  '/usr/local/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
  '/usr/libexec/docker/cli-plugins',
];

/** Absolute path of Docker's CLI plugin of that name; undefined where there is none. */
export const findPlugin = (
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined =>
  pluginDirectories(environment)
    .map((directory) => join(directory, `docker-${name}`))
    .find(isProgram);

/** Absolute path of the program of a provider type. Throws PROVIDER_FAILED where there is none. */
function locate(type: string, environment: Readonly<Record<string, string | undefined>>): string {
  if (!/^[\w.-]+$/.test(type) || type === 'compose') {
    throw new IechorError('PROVIDER_FAILED', `"${type}" is not a valid provider type`, {
      hint: 'it is the name of a program',
    });
  }
  const search = (environment.PATH ?? process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const onPath = search.flatMap((directory) => [join(directory, `iechor-${type}`), join(directory, type)]);
  const found = findPlugin(type, environment) ?? onPath.find(isProgram);
  if (found !== undefined) return found;
  throw new IechorError('PROVIDER_FAILED', `there is no program for the provider "${type}"`, {
    hint: `install it as a CLI plugin docker-${type}, or as ${type} on PATH`,
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not to be run: the next place may have it
  }
}
