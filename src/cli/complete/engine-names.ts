import { request } from 'node:http';
import type { NameKind } from './kinds.ts';

const paths: Partial<Record<NameKind, string>> = {
  containers: '/containers/json?all=1',
  running: '/containers/json',
  projects: '/containers/json?all=1',
  images: '/images/json',
  networks: '/networks',
  volumes: '/volumes',
};

/** Names that a running engine has; none where it does not answer at once. It is never started for this. */
export async function engineNames(socketPath: string, kind: NameKind, patienceMs: number): Promise<string[]> {
  const path = paths[kind];
  if (path === undefined) return [];
  const reply = await ask(socketPath, path, patienceMs);
  return reply === undefined ? [] : [...new Set(namesOf(kind, reply))].sort();
}

function namesOf(kind: NameKind, reply: unknown): string[] {
  const list = kind === 'volumes' ? (reply as { Volumes?: unknown }).Volumes : reply;
  if (!Array.isArray(list)) return [];
  return (list as Record<string, unknown>[]).flatMap((item) => {
    if (kind === 'images') return ((item.RepoTags as string[] | null) ?? []).filter((tag) => tag !== '<none>:<none>');
    if (kind === 'networks' || kind === 'volumes') return [String(item.Name)];
    const labels = (item.Labels ?? {}) as Record<string, string>;
    if (kind === 'projects') return labels['com.docker.compose.project'] ?? [];
    return ((item.Names as string[] | null) ?? []).slice(0, 1).map((name) => name.replace(/^\//, ''));
  });
}

function ask(socketPath: string, path: string, patienceMs: number): Promise<unknown> {
  return new Promise((resolve) => {
    const asking = request({ socketPath, path, timeout: patienceMs }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(parsed(text)));
      response.on('error', () => resolve(undefined));
    });
    const giveUp = setTimeout(() => asking.destroy(), patienceMs);
    asking.on('close', () => {
      clearTimeout(giveUp);
      resolve(undefined);
    });
    asking.on('error', () => resolve(undefined));
    asking.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // an answer that was cut off names nothing
  }
}
