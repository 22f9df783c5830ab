/**
 * Values of JSON as Go's templates see them. Docker's templates run over Go's types, which JSON no longer shows: which
 * objects are maps, and what stands for a field that is null or left out. Both are told by the names of the fields.
 */

/** Objects of these names are maps: any key may be asked for, and they print as `map[key:value]`. */
const maps = new Set(
  `Labels Options Ports PortBindings Networks ExposedPorts Volumes Sysctls Annotations Tmpfs StorageOpt DriverOpts
  Containers Runtimes Data Status AuxiliaryAddresses Attributes Details IndexConfigs Services Metadata Endpoints TLSMaterial
  Spec runtime`.split(/\s+/),
);

/** What Go has where JSON has null, or nothing, by the field's name; other names are pointers: `<nil>`. */
const zeros: Readonly<Record<string, unknown>> = Object.fromEntries([
  ...[...maps].map((name) => [name, new Map()] as const),
  ...`Aliases Args Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps BlkioWeightDevice
  CapAdd CapDrop CDISpecDirs Cmd Config DNSNames DeviceCgroupRules DeviceRequests Devices Dns DnsOptions DnsSearch
  DriverStatus Entrypoint Env ExecIDs ExtraHosts GroupAdd Layers Links LinkLocalIPs MaskedPaths Mounts OnBuild Peers
  ReadonlyPaths RepoDigests RepoTags SecondaryIPAddresses SecondaryIPv6Addresses SecurityOpt SecurityOptions Shell Test
  Ulimits VolumesFrom Warnings`
    .split(/\s+/)
    .map((name) => [name, []] as const),
  ...`Domainname GlobalIPv6Address HostIp Image IPAddress IPv6Gateway MacAddress Name Parent StopSignal Runtime Variant
  Gateway OsVersion Author Comment Container DockerVersion Propagation ID User WorkingDir`
    .split(/\s+/)
    .map((name) => [name, ''] as const),
  ...'BlkioWeight StartInterval'.split(' ').map((name) => [name, 0] as const),
  ...'NetworkDisabled ArgsEscaped'.split(' ').map((name) => [name, false] as const),
]);

/** Fields that are pointers and may be left out. */
const pointers = new Set(
  `ClusterVolume Containerd Descriptor Health Healthcheck ImageManifestDescriptor Init IPAMConfig Manifests MemorySwappiness
  OomKillDisable PidsLimit SizeRootFs SizeRw StopTimeout UsageData`.split(/\s+/),
);

/** A null or absent field: what it holds in Go. JSON has null for it. */
export class Nil {
  readonly zero: unknown;
  constructor(zero: unknown) {
    this.zero = zero;
  }
}

const knownMaps = new WeakSet<object>();

/** True where a missing key is no mistake. */
export function isMap(value: object): boolean {
  return knownMaps.has(value) || value instanceof Map;
}

/** The field of an object, typed as Go's would be; undefined where there is none of that name. */
export function fieldOf(object: object, name: string, { strict }: { readonly strict: boolean }): unknown {
  const value = Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;
  const isMapped = maps.has(name) || (name === 'Config' && 'Type' in object);
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && isMapped) knownMaps.add(value);
  if (value !== undefined && value !== null) return value;
  if (isMap(object)) return undefined;
  // Go's own name for what JSON calls Id.
  if (value === undefined && name === 'ID' && Object.hasOwn(object, 'Id')) return (object as { Id?: unknown }).Id;
  if (value === undefined && !(strict && mayLack(name))) return undefined;
  const zero = zeros[name];
  return zero === undefined || typeof zero === 'object' ? new Nil(zero) : zero;
}

const mayLack = (name: string): boolean => pointers.has(name) || Object.hasOwn(zeros, name);

export function truthy(value: unknown): boolean {
  if (value instanceof Nil) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return !isMap(value) || Object.keys(value).length > 0;
  return Boolean(value);
}

/** How Go prints a value. */
export function text(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (value instanceof Nil) return value.zero === undefined ? '<nil>' : text(value.zero);
  if (Array.isArray(value)) return `[${value.map(text).join(' ')}]`;
  if (typeof value === 'object') return objectText(value);
  if (typeof value === 'number' && Math.abs(value) >= 1e21) return String(value).replace(/e\+?(-?)(\d)$/, 'e$10$2');
  return String(value);
}

function objectText(value: object): string {
  if (value instanceof Map) return 'map[]';
  const names = Object.keys(value).filter((name) => typeof fieldOf(value, name, { strict: false }) !== 'function');
  const shown = (name: string) => text(fieldOf(value, name, { strict: false }));
  if (!isMap(value)) return `{${names.map(shown).join(' ')}}`;
  const typed = (entry: unknown) =>
    typeof entry === 'object' && entry !== null && Object.keys(entry).length === 0 ? '{}' : text(entry ?? new Nil([]));
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, entry]) => `${key}:${typed(entry)}`).join(' ')}]`;
}

const knownRows = new WeakSet<object>();

/** A row of a list as a template's dot: as JSON it is written like Go's maps. */
export function rowOf<T extends object>(row: T): T {
  const own = { ...row };
  knownRows.add(own);
  return own;
}

/** JSON of a value as Docker's `json` function writes it. */
export function json(value: unknown): string {
  if (typeof value === 'object' && value !== null && knownRows.has(value)) return rowJson(value);
  return JSON.stringify(plain(value), (_, entry) => (entry instanceof Nil ? null : entry));
}

/** A row as Go writes it: names in order, and the marks of HTML escaped. */
export function rowJson(row: object): string {
  const fields = Object.entries(row).filter(([, entry]) => typeof entry !== 'function');
  const sorted = Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
  const escaped = (mark: string) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(sorted).replace(/[<>&\u2028\u2029]/g, escaped);
}

/** What JSON has for a value: no methods, and null for what Go has nothing for. */
function plain(value: unknown): unknown {
  if (value === undefined || value instanceof Nil) return null;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => typeof entry !== 'function'));
}

export function typeName(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? 'slice' : typeof value === 'object' ? 'object' : 'string';
}
