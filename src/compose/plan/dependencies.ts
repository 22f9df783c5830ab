import type { Dependency, Project, Service } from '../model/project.ts';

/** A service's dependencies: `depends_on`, and those that other attributes imply. Sorted by name. */
export function dependenciesOf(service: Service): ReadonlyMap<string, Dependency> {
  const all = new Map<string, Dependency>(Object.entries(service.depends_on ?? {}));
  const imply = (name: string, restart: boolean) => {
    if (!all.has(name)) all.set(name, { condition: 'service_started', required: true, ...(restart && { restart }) });
  };
  for (const name of namespaceProviders(service)) imply(name, true);
  for (const link of service.links ?? []) imply(link.split(':')[0] ?? link, true);
  for (const source of service.volumes_from ?? []) {
    if (!source.startsWith('container:')) imply(source.split(':')[0] ?? source, false);
  }
  return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Services whose containers this one shares a namespace with: it must be made anew when they are. */
export function namespaceProviders(service: Service): string[] {
  return [service.network_mode, service.ipc, service.pid]
    .filter((mode): mode is string => mode?.startsWith('service:') ?? false)
    .map((mode) => mode.slice('service:'.length));
}

/** Services whose containers must exist before this one is created, and be the same for it to stay. */
export function creationProviders(service: Service): string[] {
  const volumes = (service.volumes_from ?? [])
    .filter((source) => !source.startsWith('container:'))
    .map((source) => source.split(':')[0] ?? source);
  const linked = service.network_mode === 'bridge' ? (service.links ?? []) : []; // a link of old: the engine looks it up
  const links = linked.map((link) => link.split(':')[0] ?? link);
  return [...new Set([...namespaceProviders(service), ...volumes, ...links])];
}

/** The named services (none: all) and, with `deps`, what they depend on. */
export function selectServices(project: Project, names: readonly string[], deps: boolean): Set<string> {
  if (names.length === 0) return new Set(Object.keys(project.services));
  const selected = new Set<string>();
  const visit = (name: string) => {
    const service = project.services[name];
    if (!service || selected.has(name)) return;
    selected.add(name);
    if (deps) for (const dependency of dependenciesOf(service).keys()) visit(dependency);
  };
  for (const name of names) visit(name);
  return selected;
}
