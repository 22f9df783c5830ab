// The import layers: a folder may import itself, the folders listed here, and npm packages.
const may = {
  common: [],
  host: ['common'],
  image: ['host', 'common'],
  registry: ['image', 'host', 'common'],
  'registry-server': ['image', 'host', 'common'],
  network: ['host', 'common'],
  volumes: ['host', 'common'],
  context: ['common'],
  build: ['image', 'registry', 'context', 'host', 'common'],
  api: ['common'],
  engine: ['build', 'registry', 'registry-server', 'image', 'network', 'volumes', 'host', 'api', 'common'],
  buildkit: ['api', 'common'],
  daemon: ['engine', 'buildkit', 'build', 'registry', 'image', 'network', 'volumes', 'api', 'host', 'common'],
  doctor: ['host', 'common'],
  compose: ['context', 'api', 'common'],
  cli: ['compose', 'context', 'registry', 'api', 'common'],
  commands: ['cli', 'compose', 'context', 'doctor', 'api', 'common'],
};
const folder = (name) => `^src/${name}/`;
/** Files outside `host` that may start a program: the daemon, git and stty, from the command line. */
const starters = ['^src/cli/start-daemon\\.ts$', '^src/cli/credential-helper\\.ts$', '^src/cli/fetch-remote\\.ts$', '^src/cli/raw-terminal\\.ts$', '^src/cli/run-provider|model-runner\\.ts$', '^src/cli/dial-ssh\\.ts$', '^src/cli/ssh-agents\\.ts$'];
const only = (name, folders, modules) => ({
  name,
  severity: 'error',
  from: { path: '^src/', pathNot: [...folders.map(folder), ...starters] },
  to: { path: modules },
});
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    ...Object.entries(may).map(([name, allowed]) => ({
      name: `layer-${name}`,
      severity: 'error',
      from: { path: folder(name) },
      to: { path: '^src/', pathNot: [name, ...allowed].map(folder) },
    })),
    only('only-host-spawns', ['host'], ['^(node:)?child_process$', '(^|node_modules/)(execa|koffi)(/|$)']),
    only('only-cli-knows-oclif', ['cli', 'commands'], ['(^|node_modules/)@oclif/']),
    only('only-plan-knows-depgraph', ['compose/plan'], ['(^|node_modules/)dependency-graph(/|$)']),
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
