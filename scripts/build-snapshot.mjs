// Makes Node's startup snapshot of the Compose commands (docs/decisions/0014): `compose.blob`, and beside it `compose.node`,
// a hard link to the Node that made it, by which bin/iechor knows whether the Node it found can read it.
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** What a module must not read while it is set up: the snapshot would hold the builder's answer for ever. */
const ofTheProcess = ['env', 'argv', 'stdin', 'stdout', 'stderr', 'cwd'];

/** Modules of Node that are not fit for a snapshot (they keep handles), or that few commands use. */
const later = [
  'child_process',
  'dgram',
  'dns',
  'http',
  'http2',
  'https',
  'module',
  'readline',
  'readline/promises',
  'sqlite',
  'stream/consumers',
  'tls',
  'tty',
  'worker_threads',
  'zlib',
];

/** The names that each of those modules exports, in the Node that makes the snapshot (another one may run this build). */
function exportsOf(node) {
  const list = `Object.fromEntries(${JSON.stringify(later)}.map((name) => [name, Object.keys(require(\`node:\${name}\`))]))`;
  const text = execFileSync(node, ['--no-warnings', '-p', `JSON.stringify(${list})`], { encoding: 'utf8' });
  return JSON.parse(text);
}

// Each export stands for the real one, which is looked up when it is called, constructed or asked for a property.
const loadLater = (names) => ({
  name: 'load-later',
  setup(build) {
    build.onResolve({ filter: new RegExp(`^(node:)?(${later.join('|')})$`) }, ({ path }) => ({
      path: path.replace(/^node:/, ''),
      namespace: 'later',
    }));
    build.onLoad({ filter: /.*/, namespace: 'later' }, ({ path }) => ({
      contents: `
const real = (key) => process.getBuiltinModule('node:${path}')[key];
for (const key of ${JSON.stringify(names[path])})
  Object.defineProperty(exports, key, { enumerable: true, value: new Proxy(function () {}, {
    apply: (_, self, given) => Reflect.apply(real(key), self, given),
    construct: (_, given) => Reflect.construct(real(key), given),
    get: (_, name) => real(key)[name],
  }) });`,
    }));
  },
});

// The engine's own commands are not started from the snapshot.
const composeAlone = {
  name: 'compose-alone',
  setup(build) {
    build.onLoad({ filter: /[/\\]commands[/\\]table(-image)?\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8').replace(
        /\(\) => import\('[^']*'\)/g,
        "() => Promise.reject(new Error('not in the snapshot'))",
      ),
    }));
  },
};

// The bundle stands for dist/iechor-main.js: what it finds by its own address is found beside that.
const banner = `const __main = { get url() {
  const path = process.getBuiltinModule('node:path');
  const blob = process.execArgv[process.execArgv.indexOf('--snapshot-blob') + 1];
  return process.getBuiltinModule('node:url').pathToFileURL(path.join(path.dirname(blob), 'iechor-main.js')).href;
} };
const __sealed = new Map(${JSON.stringify(ofTheProcess)}.map((name) => [name, Object.getOwnPropertyDescriptor(process, name)]));
for (const name of __sealed.keys()) Object.defineProperty(process, name, { configurable: true, get() {
  throw new Error('process.' + name + ' is read while the snapshot is made');
} });
require('node:v8').startupSnapshot.addSerializeCallback(() => {
  for (const [name, own] of __sealed) Object.defineProperty(process, name, own);
});
`;

/**
 * Makes the snapshot in `directory` with the Node that came with the packages. Without that Node there is none, and
 * the commands start from the bundles.
 */
export async function buildSnapshot(root, directory, options) {
  const node = ['x64', 'arm64']
    .map((arch) => join(root, `node_modules/node-linux-${arch}/bin/node`))
    .find((path) => existsSync(path));
  if (!node) return;
  const bundle = join(directory, 'compose-snapshot.cjs');
  await build({
    ...options,
    entryPoints: [join(root, 'src/commands/compose-snapshot.ts')],
    format: 'cjs',
    outfile: bundle,
    banner: { js: banner },
    define: { 'import.meta.url': '__main.url' },
    plugins: [loadLater(exportsOf(node)), composeAlone, ...options.plugins],
  });
  const blob = join(directory, 'compose.blob');
  execFileSync(node, ['--disable-warning=ExperimentalWarning', '--snapshot-blob', blob, '--build-snapshot', bundle], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  rmSync(bundle);
  try {
    linkSync(node, join(directory, 'compose.node'));
  } catch (error) {
    if (error.code !== 'EXDEV') throw error;
    // The packages are on another file system: nothing could tell later which Node has made the snapshot.
    rmSync(blob);
  }
}
