import { spawn } from 'node:child_process';
import { IechorError } from '../common/error.ts';
import type { ModelRunner } from '../compose/session.ts';
import { findPlugin } from './run-provider.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const longestAnswer = 4 << 20;

/** Docker's model runner, driven by its CLI plugin `docker-model` as Docker Compose does; undefined where it is missing. */
export function dockerModelRunner(environment: Environment): ModelRunner | undefined {
  const path = findPlugin('model', environment);
  if (path === undefined) return undefined;
  const run = (...args: string[]) => answer(path, args, environment);
  return {
    async ensure({ model, context_size: size, runtime_flags: flags = [] }) {
      const known = (parse(await run('ls', '--json')) ?? []) as readonly { readonly tags?: readonly string[] }[];
      if (!known.some(({ tags }) => tags?.includes(model))) await run('pull', model);
      const context = size === undefined ? [] : ['--context-size', String(size)];
      await run('configure', ...context, model, ...(flags.length > 0 ? ['--', ...flags] : []));
    },
    async endpoint() {
      const { endpoint } = (parse(await run('status', '--json')) ?? {}) as { readonly endpoint?: unknown };
      if (typeof endpoint === 'string' && endpoint !== '') return endpoint;
      throw new IechorError('PROVIDER_FAILED', 'docker-model does not say where it serves models', {
        hint: 'look at: docker model status',
      });
    },
  };
}

/** What a run of the plugin wrote to standard output. Throws PROVIDER_FAILED with the end of what it complained of. */
function answer(path: string, args: readonly string[], environment: Environment): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (output.length < longestAnswer) output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-1000);
    });
    const fail = (why: string) =>
      reject(new IechorError('PROVIDER_FAILED', `docker-model ${args[0]} failed: ${why}`, { exit: 1 }));
    child.once('error', (error) => fail(error.message));
    child.once('close', (code) => (code === 0 ? resolve(output) : fail(errors.trim() || `it ended with ${code}`)));
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // told by the caller, by what is missing
  }
}
