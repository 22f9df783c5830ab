import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceRequest } from '../../api/types/host-config.ts';
import { codeOf, IechorError, messageOf } from '../../common/error.ts';
import type { Log } from '../../common/log.ts';
import { type CdiEdits, type CdiSpec, checkCdiSpec } from './cdi-spec.ts';

const largestSpecBytes = 4 * 1024 * 1024;

/** A device by its full name: its own edits, and the specification it comes from. */
interface Device {
  readonly spec: CdiSpec;
  readonly edits: CdiEdits | undefined;
}

/**
 * What the asked-for devices add to a container, from the specifications in `directories` (of two that have a device the
 * later one counts). Throws CONTAINER_START_FAILED, in Docker's words.
 */
export async function cdiEdits(
  requests: readonly DeviceRequest[],
  { directories, log }: { readonly directories: readonly string[]; readonly log: Log },
): Promise<CdiEdits[]> {
  const names = requests.flatMap(namesOf);
  if (names.length === 0) return [];
  const devices = await readDevices(directories, log);
  const missing = names.filter((name) => !devices.has(name));
  if (missing.length > 0) {
    throw failed(`CDI device injection failed: unresolvable CDI devices ${missing.join(', ')}`, {
      hint: `specifications are read from ${directories.join(' and ')}`,
    });
  }
  const specs = new Set<CdiSpec>();
  return [...new Set(names)].flatMap((name) => {
    const device = devices.get(name);
    if (!device) return [];
    const shared = specs.has(device.spec) ? undefined : device.spec.containerEdits;
    specs.add(device.spec);
    return [shared, device.edits].filter((edits) => edits !== undefined);
  });
}

function namesOf({ Driver = '', Count, Capabilities, Options, DeviceIDs }: DeviceRequest): readonly string[] {
  if (Driver !== 'cdi') {
    const capabilities = `[${(Capabilities ?? []).map((all) => `[${all.join(' ')}]`).join(' ')}]`;
    throw failed(`could not select device driver ${JSON.stringify(Driver)} with capabilities: ${capabilities}`, {
      hint: 'name the device of a CDI specification: --device vendor.com/class=name',
    });
  }
  if (Count) throw failed('unexpected count in CDI device request');
  if (Options && Object.keys(Options).length > 0) throw failed('unexpected options in CDI device request');
  return DeviceIDs ?? [];
}

async function readDevices(directories: readonly string[], log: Log): Promise<Map<string, Device>> {
  const devices = new Map<string, Device>();
  for (const directory of directories) {
    const own = new Map<string, Device>();
    const twice = new Set<string>();
    for (const path of specFiles(directory)) {
      const spec = await readSpec(path, log);
      for (const { name, containerEdits } of spec?.devices ?? []) {
        const full = `${spec?.kind}=${name}`;
        if (own.has(full)) twice.add(full);
        if (spec) own.set(full, { spec, edits: containerEdits });
      }
    }
    // Neither of two of the same rank counts.
    for (const name of twice) {
      log.warn('two CDI specifications have the same device', { device: name, directory });
      own.delete(name);
      devices.delete(name);
    }
    for (const [name, device] of own) devices.set(name, device);
  }
  return devices;
}

function specFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.(json|yaml)$/.test(name))
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** One that cannot be read is none, and the log says why. */
async function readSpec(path: string, log: Log): Promise<CdiSpec | undefined> {
  try {
    if (statSync(path).size > largestSpecBytes) throw new Error('the file is too large');
    const text = readFileSync(path, 'utf8');
    const document: unknown = path.endsWith('.json') ? JSON.parse(text) : (await import('yaml')).parse(text);
    const checked = checkCdiSpec(document);
    if ('spec' in checked) return checked.spec;
    throw new Error(checked.fault);
  } catch (error) {
    log.warn('a CDI specification is not used', { path, error: messageOf(error) });
    return undefined;
  }
}

function failed(message: string, options: { readonly hint?: string } = {}): IechorError {
  return new IechorError('CONTAINER_START_FAILED', message, options);
}
