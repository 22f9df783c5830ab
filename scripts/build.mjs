// Bundles every entry point: `*-main.ts` is a program, `*-worker.ts` a worker thread. Runs on Node 20 and newer.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildSnapshot } from './build-snapshot.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const entries = readdirSync(join(root, 'src'), { recursive: true })
  .filter((file) => /-(main|worker)\.ts$/.test(file))
  .map((file) => join(root, 'src', file));

// Of oclif its Command class and its parser are used (our command table and help text stand in for the rest), yet these
// load the rest at every start: a third of the time that `iechor version` takes. Its screen and debug modules also read
// the environment while they are loaded.
const lean = [
  [
    /@oclif[/\\]core[/\\]lib[/\\](config[/\\]index|help[/\\]index|ux[/\\]index)\.js$/,
    'exports.Config = class {}; exports.ux = {};',
  ],
  [/@oclif[/\\]core[/\\]lib[/\\]screen\.js$/, 'exports.stdtermwidth = exports.errtermwidth = 80;'],
  [
    /@oclif[/\\]core[/\\]lib[/\\]ux[/\\]theme\.js$/,
    'exports.colorize = (_, text) => text; exports.parseTheme = (theme) => theme;',
  ],
  [/node_modules[/\\]debug[/\\]src[/\\]index\.js$/, 'module.exports = () => () => {};'],
];
const leanOclif = {
  name: 'lean-oclif',
  setup(build) {
    for (const [filter, contents] of lean) build.onLoad({ filter }, () => ({ contents, loader: 'js' }));
    // It listens for a broken pipe, as program.ts does.
    build.onLoad({ filter: /@oclif[/\\]core[/\\]lib[/\\]command\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace('process.stdout.on(', '(() => undefined)('),
      loader: 'js',
    }));
  },
};

// Importing node:http as a module reads all its exports, and one of them loads a whole second HTTP client.
const plainHttp = {
  name: 'plain-http',
  setup(build) {
    build.onResolve({ filter: /^node:http$/ }, () => ({ path: 'http', namespace: 'plain-http' }));
    build.onLoad({ filter: /.*/, namespace: 'plain-http' }, () => ({
      contents:
        "const http = process.getBuiltinModule('node:http'); export const { Agent, get, request, createServer, ServerResponse, IncomingMessage, STATUS_CODES, METHODS } = http; export default http;",
    }));
  },
};

const shared = {
  plugins: [plainHttp],
  // Its module form: of a CommonJS package a bundled import() finds the default export alone.
  alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') },
  bundle: true,
  entryNames: '[name]',
  chunkNames: 'chunk-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node22',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  external: ['koffi'],
  logLevel: 'warning',
  // oclif and others are CommonJS and call require() for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
};
const isCli = (file) => file.endsWith('iechor-main.ts');

// What the command line is made of needs Node's own modules alone, and some of those only on rare ways: they are loaded
// when they are used. Without import.meta a chunk is set up faster; most have no use for require at all.
const leanRequire = `const require = (name) => /readline|promises/.test(name)
  ? new Proxy({}, { get: (_, key) => process.getBuiltinModule(name)[key] })
  : process.getBuiltinModule(name);`.replace(/\s+/g, ' ');

function dropUnusedRequire(directory) {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const text = readFileSync(path, 'utf8');
    const rest = text.replace(leanRequire, '');
    if (rest !== text && !/\brequire\b/.test(rest)) writeFileSync(path, rest.trimStart());
  }
}

// Built beside and renamed into place, so that a command that starts meanwhile finds a whole bundle.
const fresh = join(root, `dist.${process.pid}`);
const old = join(root, `dist.old.${process.pid}`);
try {
  // The CLI loads one command's chunks; programs that outlive an upgrade must not depend on files that it replaces.
  await build({
    ...shared,
    entryPoints: entries.filter(isCli),
    outdir: fresh,
    splitting: true,
    plugins: [plainHttp, leanOclif],
    banner: { js: leanRequire },
  });
  dropUnusedRequire(fresh);
  await build({ ...shared, entryPoints: entries.filter((file) => !isCli(file)), outdir: fresh });
  const { entryNames, chunkNames, banner, ...options } = shared;
  await buildSnapshot(root, fresh, { ...options, plugins: [leanOclif] });
  if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old);
  renameSync(fresh, join(root, 'dist'));
} finally {
  rmSync(fresh, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
}
