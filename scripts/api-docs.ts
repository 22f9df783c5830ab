// Makes docs/api.md from the table of routes.
import { writeFileSync } from 'node:fs';
import { type ApiOperation, kindOf, type Route, wireName } from '../src/api/route.ts';
import { routes } from '../src/api/routes.ts';
import { apiVersion, minApiVersion } from '../src/api/wire.ts';

/** What the table does not say, for those who come from Docker's own documentation. */
const notes: Readonly<Partial<Record<ApiOperation, string>>> = {
  systemPing: 'Also `HEAD`. `Builder-Version` names the builder that clients are to use.',
  systemDiskUsage: '`type` may be repeated.',
  systemEvents: 'The last 1,024 messages are kept for `since`. A reader that lags is told by `events-lost`.',
  containerCreate: 'What would have no effect is refused by name (501), never ignored.',
  containerStart: '304 where it runs already. A linked container has to run.',
  containerStop: '304 where it is stopped already.',
  containerKill: 'With SIGKILL the answer comes after the end.',
  containerWait: 'Every end of the process counts, also one that the restart policy answers.',
  containerRemove: 'With `link=1` the path names a link: `/containers/web/db`.',
  containerAttach: 'Also `GET /containers/:id/attach/ws`, as a WebSocket.',
  containerLogs: 'Each entry is a frame of its own. 501 where no log is kept here.',
  containerTop: 'Read from the host: `-ef`, `aux`, or `-o` with a list of columns.',
  execStart: 'The head goes out before the process starts; why it does not start is told in the output.',
  imageBuild:
    'The classic builder; with `version=2` told in terms of BuildKit, without a session. `networkmode` may be any network. Every step leaves an image; with `rm=0`, or where a command fails without `forcerm`, its container stays. Ours: `steps`, `call`, `nocachestages`.',
  imageCreate: 'Pull with `fromImage`, import with `fromSrc=-`.',
  networkCreate: 'Options under Docker’s names; unknown ones are refused.',
  secretCreate: 'Kept by the engine itself, without a swarm.',
  secretUpdate: 'Labels alone can change.',
  configCreate: 'Kept by the engine itself, without a swarm.',
  pluginList: 'Always empty.',
};

/** Version of Docker's API that brought an operation, where that is not the oldest we speak. */
const since: Readonly<Partial<Record<ApiOperation, string>>> = {
  containerPrune: '1.25',
  imagePrune: '1.25',
  networkPrune: '1.25',
  volumePrune: '1.25',
  systemDiskUsage: '1.25',
  secretList: '1.25',
  secretCreate: '1.25',
  secretInspect: '1.25',
  secretUpdate: '1.25',
  secretRemove: '1.25',
  pluginList: '1.25',
  distributionInspect: '1.30',
  configList: '1.30',
  configCreate: '1.30',
  configInspect: '1.30',
  configUpdate: '1.30',
  configRemove: '1.30',
  buildPrune: '1.31',
};

const replies: Readonly<Record<Route['reply'], string>> = {
  json: 'JSON',
  none: '–',
  text: 'headers',
  ndjson: 'JSON lines',
  bytes: 'tar',
  stat: 'header',
  frames: 'frames',
  hijack: 'streams',
};

const isOurs = ({ path }: Route) => path.startsWith('/iechor/');

function row([op, route]: readonly [string, Route]): string {
  const query = Object.entries(route.fields)
    .filter(([, field]) => kindOf(field) !== 'path')
    .map(([name, field]) => `\`${wireName(name, field)}\``);
  const body = route.body === 'json' ? ['JSON body'] : route.body ? ['tar body'] : [];
  const cells = [
    `\`${op}\``,
    `\`${route.method} ${route.path}\``,
    isOurs(route) ? '–' : (since[op as ApiOperation] ?? minApiVersion),
    [...query, ...body].join(' '),
    `${replies[route.reply]} ${route.ok.join(', ')}`,
    notes[op as ApiOperation] ?? '',
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Text of docs/api.md. */
export function renderApi(): string {
  const all = Object.entries<Route>(routes);
  const head = ['| operation | path | since | takes | answers | notes |', '|---|---|---|---|---|---|'];
  return [
    '# The engine API',
    '',
    `\`iechord\` serves Docker's Engine API ${minApiVersion} to ${apiVersion} on its socket: every path below also with a`,
    'version in front (`/v1.47/info`), newer and older versions are refused as Docker does. Errors are `{"message"}` with',
    'our own `code` and `hint` beside it ([all codes](errors)). Clients find the socket by `DOCKER_HOST`:',
    '',
    '```console',
    '$ export DOCKER_HOST=unix:///run/iechor/iechor.sock',
    '$ docker ps',
    '```',
    '',
    'This page is made from the table of routes (`npm run docs`).',
    '',
    "## Docker's operations",
    '',
    ...head,
    ...all.filter(([, route]) => !isOurs(route)).map(row),
    '',
    '## Our own',
    '',
    'Under `/iechor`, without a version; other engines do not know them.',
    '',
    ...head,
    ...all.filter(([, route]) => isOurs(route)).map(row),
    '',
    '## What is off',
    '',
    '- Swarm, nodes, services, tasks: 503 with the words Docker has outside of a swarm; `swarm init` and `join`: 501.',
    '- Plugins: none are listed, each is 404. Checkpoints: 501.',
    '- Any other path: 404 `page not found`.',
    '',
  ].join('\n');
}

if (process.argv[1]?.endsWith('api-docs.ts')) writeFileSync('docs/api.md', renderApi());
