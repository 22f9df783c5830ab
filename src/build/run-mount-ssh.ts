import { chmodSync, chownSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Build, StepContext } from './build-context.ts';
import { InstructionError } from './language/form.ts';
import type { RunMount } from './language/mount-option.ts';
import { accessOf, type Made, type OpenMount, targetOf } from './run-mount.ts';
import { openSource } from './sources.ts';

/**
 * RUN --mount=type=ssh: a socket of the step's own that leads to the agent. Where none was given and none is required,
 * SSH_AUTH_SOCK names a socket that is not there, as with BuildKit. `ordinal`: how many such mounts stand before it.
 */
export async function openSsh(mount: RunMount, ordinal: number, context: StepContext): Promise<OpenMount> {
  const { build, state } = context;
  if (mount.from !== undefined) await openSource(mount.from, context);
  const id = mount.id || mount.source || 'default';
  const agent = await findAgent(id, build);
  if (agent === undefined && mount.required) {
    throw new InstructionError(`the SSH agent ${id} was not given`, { hint: `Build with --ssh ${id}.` });
  }
  const target = targetOf({ ...mount, target: mount.target || `/run/buildkit/ssh_agent.${ordinal}` }, context);
  const announced = ordinal === 0 && !state.env.has('SSH_AUTH_SOCK');
  const env = announced ? { env: ['SSH_AUTH_SOCK', target] as const } : {};
  const make = async (): Promise<Made> => {
    if (agent === undefined) return env;
    const source = join(build.scratch.newDir('small'), 'agent');
    const release = await forward(source, agent);
    chownSync(source, mount.uid ?? 0, mount.gid ?? 0);
    chmodSync(source, mount.mode ?? 0o600);
    return { mount: { type: 'bind', source, target, readOnly: true }, ...env, release };
  };
  return { key: `ssh ${id} ${target} ${accessOf(mount, 0o600)}`, make };
}

/** A socket that leads to the agent that was given by this id; undefined where none was. To be released. */
export async function agentSocket(
  id: string,
  { build }: Pick<StepContext, 'build'>,
): Promise<{ readonly path: string; release(): void } | undefined> {
  const agent = await findAgent(id, build);
  if (!agent) return undefined;
  const path = join(build.scratch.newDir('small'), 'agent');
  return { path, release: await forward(path, agent) };
}

async function findAgent(id: string, { request }: Build): Promise<(() => Duplex) | undefined> {
  const agents = request.ssh ?? {};
  const socket = Object.hasOwn(agents, id) ? agents[id] : undefined;
  return socket === undefined ? request.askAgent?.(id) : () => connect(socket);
}

/** Listens at a path and hands each connection on to one that `openAgent` makes; returns what ends it. */
async function forward(path: string, openAgent: () => Duplex): Promise<() => void> {
  const open = new Set<{ destroy(): void }>();
  const server = createServer((from) => {
    const agent = openAgent();
    for (const [one, other] of [
      [from, agent],
      [agent, from],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return () => {
    server.close();
    for (const one of open) one.destroy();
  };
}
