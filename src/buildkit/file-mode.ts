/** Go's os.FileMode, as file transfers of BuildKit carry it. */
const bits = {
  directory: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  pipe: 2 ** 25,
  socket: 2 ** 24,
  setuid: 2 ** 23,
  setgid: 2 ** 22,
  charDevice: 2 ** 21,
  sticky: 2 ** 20,
} as const;

export type FileKind = 'file' | 'directory' | 'symlink' | 'pipe' | 'char-device' | 'block-device' | 'socket';

const has = (mode: number, bit: number) => Math.floor(mode / bit) % 2 === 1;

export function kindOf(mode: number): FileKind {
  if (has(mode, bits.directory)) return 'directory';
  if (has(mode, bits.symlink)) return 'symlink';
  if (has(mode, bits.pipe)) return 'pipe';
  if (has(mode, bits.socket)) return 'socket';
  if (has(mode, bits.device)) return has(mode, bits.charDevice) ? 'char-device' : 'block-device';
  return 'file';
}

/** Permissions with the set-id and sticky bits, as chmod takes them. */
export function permissionsOf(mode: number): number {
  return (
    (mode % 0o1000) +
    (has(mode, bits.setuid) ? 0o4000 : 0) +
    (has(mode, bits.setgid) ? 0o2000 : 0) +
    (has(mode, bits.sticky) ? 0o1000 : 0)
  );
}

const kindBits: Readonly<Record<FileKind, number>> = {
  file: 0,
  directory: bits.directory,
  symlink: bits.symlink,
  pipe: bits.pipe,
  socket: bits.socket,
  'char-device': bits.device + bits.charDevice,
  'block-device': bits.device,
};

/** The other way round. */
export function goMode(kind: FileKind, permissions: number): number {
  return (
    kindBits[kind] +
    (permissions % 0o1000) +
    (permissions & 0o4000 ? bits.setuid : 0) +
    (permissions & 0o2000 ? bits.setgid : 0) +
    (permissions & 0o1000 ? bits.sticky : 0)
  );
}
