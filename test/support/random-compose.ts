type Random = (below: number) => number;

const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)] as T;

/** Attributes whose lists and maps are joined, so that merging three files may be done from either end. */
const attributes: Readonly<Record<string, (random: Random) => string>> = {
  image: (random) => pick(random, ['x', 'registry.example/a/b:1.0', '"${NONE:-y}:2"']),
  restart: (random) => pick(random, ['always', '"no"', 'on-failure:3']),
  hostname: (random) => pick(random, ['a', '"1.5"', '"yes"', '"$${A}"']),
  command: (random) => pick(random, ['a "b c"', '[a, "", "$$x"]', '[]', '"echo \'a: b\' # no comment"']),
  environment: (random) => `{A${random(3)}: ${pick(random, ['1', '"two words"', '"a\\nb"', '0x10', ''])}}`,
  labels: (random) => `{l.${random(3)}: ${pick(random, ['1', 'true', '"#x"', '"x: y"'])}}`,
  ports: (random) => `["${8000 + random(3)}:80", "${9000 + random(3)}-${9003 + random(3)}:90"]`,
  volumes: (random) => `["v${random(2)}:/v${random(3)}", "./d:/d${random(3)}:ro"]`,
  networks: (random) => `{n${random(2)}: {priority: ${random(5)}}}`,
  cap_add: (random) => `[C${random(4)}]`,
  healthcheck: (random) => `{interval: ${1 + random(90)}s}`,
  mem_limit: (random) => pick(random, ['64m', '1.5gb', '1024']),
  ulimits: (random) => `{nofile: ${1 + random(3)}}`,
  extra_hosts: (random) => `["h${random(3)}:10.0.0.${random(3)}"]`,
  logging: (random) => `{options: {o${random(2)}: v${random(2)}}}`,
  tmpfs: (random) => `[/t${random(3)}]`,
  stop_grace_period: (random) => pick(random, ['1m30s', '500ms', '2h']),
};

/** A Compose file of two services with some attributes of each, its keys in an order of its own. */
export function randomFile(random: Random, options: { readonly without?: readonly string[] } = {}): string {
  const names = Object.keys(attributes).filter((name) => !options.without?.includes(name));
  const service = (name: string) => {
    const chosen = new Set(['image', ...Array.from({ length: 1 + random(8) }, () => pick(random, names))]);
    return [`  ${name}:`, ...[...chosen].map((one) => `    ${one}: ${attributes[one]?.(random)}`)];
  };
  return ['services:', ...service('web'), ...service('db'), 'networks: {n0: {}, n1: {}}', 'volumes: {v0: {}, v1: {}}']
    .join('\n')
    .concat('\n');
}

/** The same file with the keys of its services, and the services, the other way round. */
export function reordered(file: string): string {
  const lines = file.trimEnd().split('\n');
  const at = lines.indexOf('  db:');
  const end = lines.findIndex((line) => line.startsWith('networks:'));
  const turned = (part: readonly string[]) => [part[0] as string, ...part.slice(1).reverse()];
  return [...lines.slice(end).reverse(), lines[0], ...turned(lines.slice(at, end)), ...turned(lines.slice(1, at))]
    .join('\n')
    .concat('\n');
}
