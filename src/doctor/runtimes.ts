import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../host/files.ts';
import { findProgram, probeRuntime, runtimeHint } from '../host/runtime-probe.ts';
import { run } from '../host/spawn.ts';
import type { Check, Finding } from './finding.ts';
import { flawsOf } from './known-flaws.ts';

/** Each OCI runtime, by really running a container with it; and the known flaws of its version. */
export const runtimes: Check = async () => {
  const findings: Finding[] = [];
  let works = false;
  for (const name of ['crun', 'runc'] as const) {
    const path = findProgram(name);
    if (!path) {
      findings.push({ status: 'info', name, detail: 'not installed' });
      continue;
    }
    const probed = await probe(name, path);
    if (probed.failure === undefined) {
      findings.push({
        status: 'ok',
        name,
        detail: `version ${probed.version}, runs a container${works ? '' : ' (the one the engine uses)'}`,
      });
      works = true;
    } else
      findings.push({
        status: 'warn',
        name,
        detail: `version ${probed.version} cannot run a container: ${probed.failure}`,
        fix: runtimeHint([probed.failure]),
      });
    findings.push(...(await flawFindings(name, probed.version)));
  }
  if (works) return findings;
  return [
    ...findings,
    {
      status: 'fail',
      name: 'OCI runtime',
      detail: 'none of crun and runc can run a container here',
      fix: 'apt-get install crun runc',
      repair: { kind: 'install', packages: ['crun', 'runc'] },
    },
  ];
};

async function probe(name: 'crun' | 'runc', path: string): Promise<{ version: string; failure?: string }> {
  const scratch = mkdtempSync(join(tmpdir(), 'iechor-doctor-'));
  try {
    // Its own cache file: a doctor always looks anew.
    return await probeRuntime(name, path, { cacheFile: join(scratch, 'probed.json'), scratch });
  } finally {
    removeTree(scratch);
  }
}

async function flawFindings(name: 'crun' | 'runc', version: string): Promise<Finding[]> {
  const known = flawsOf(name, version, await debianVersion(name));
  if (known.length === 0) return [];
  return [
    {
      status: 'warn',
      name: `${name} flaws`,
      detail: known.map((flaw) => `${flaw.id} (${flaw.what})`).join('; '),
      fix: `upgrade ${name} to a release that mends them`,
    },
  ];
}

async function debianVersion(name: string): Promise<string | undefined> {
  if (!findProgram('dpkg-query')) return undefined;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a field of dpkg-query, not of JavaScript
  const { stdout } = await run('dpkg-query', ['-W', '-f', '${Version}', name], { okStatus: [0, 1] });
  return stdout.trim() || undefined;
}
