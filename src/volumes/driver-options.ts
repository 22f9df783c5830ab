import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { codeOf, IechorError } from '../common/error.ts';
import { mountAt, mountsBelow } from '../host/mount.ts';

type Options = Readonly<Record<string, string>>;

/** Docker's options of the driver "local", and those that each of them needs. */
const needs: Readonly<Record<string, readonly string[]>> = {
  type: ['device'],
  device: ['type'],
  o: ['type', 'device'],
};

/** Throws BAD_REQUEST for options that the driver "local" does not have, or that do not go together. */
export function checkDriverOptions(options: Options): void {
  for (const name of Object.keys(options)) {
    const others = Object.hasOwn(needs, name) ? needs[name] : undefined;
    if (!others) {
      throw new IechorError('BAD_REQUEST', `invalid option: "${name}"`, {
        hint: 'its options are type, device and o, as of mount(8)',
      });
    }
    const missing = others.find((other) => !options[other]);
    if (missing) throw new IechorError('BAD_REQUEST', `missing required option: "${missing}" (beside "${name}")`);
  }
  if (isBind(options) && !options.device?.startsWith('/')) {
    throw new IechorError('BAD_REQUEST', `the device of a bound volume is an absolute path, not "${options.device}"`);
  }
}

export function sameOptions(a: Options, b: Options): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => a[name] === b[name]);
}

const mountOptions = (options: Options) => (options.o ?? '').split(',').filter((one) => one !== '');

function isBind(options: Options): boolean {
  return options.type === 'bind' || mountOptions(options).some((one) => one === 'bind' || one === 'rbind');
}

/** Throws MOUNT_INVALID where the directory to be bound does not exist. */
export function checkDevice(options: Options): void {
  if (isBind(options) && !existsSync(options.device ?? '')) throw cannotMount(options, 'it does not exist');
}

/** Mounts what the options name at `target`, unless it is mounted already. Throws MOUNT_INVALID. */
export async function mountDevice(options: Options, target: string): Promise<void> {
  const { device, type } = options;
  if (!device || !type || mountsBelow(target).includes(target)) return;
  const bind = isBind(options);
  checkDevice(options);
  const resolved = await withAddress(mountOptions(options), type);
  try {
    mountAt({ type: bind ? 'bind' : type, source: device, options: resolved }, target);
  } catch (error) {
    if (codeOf(error) !== 'HOST_SYSCALL_FAILED') throw error;
    throw cannotMount(options, error instanceof Error ? error.message : String(error), error);
  }
}

function cannotMount({ device, type, o }: Options, why: string, cause?: unknown): IechorError {
  return new IechorError('MOUNT_INVALID', `cannot mount "${device}" (type ${type}) for the volume: ${why}`, {
    hint: `check the volume's driver_opts${o ? ` (o: "${o}")` : ''}`,
    cause,
  });
}

/** Network file systems want the server's address as a number: mount(8) would look it up. */
async function withAddress(options: readonly string[], type: string): Promise<string[]> {
  if (!/^(nfs|cifs)/.test(type)) return [...options];
  const { lookup } = await import('node:dns/promises');
  return Promise.all(
    options.map(async (option) => {
      const name = option.startsWith('addr=') ? option.slice('addr='.length) : '';
      return name === '' || isIP(name) !== 0 ? option : `addr=${(await lookup(name)).address}`;
    }),
  );
}
