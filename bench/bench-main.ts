import { parseArgs } from 'node:util';
import { api } from './api.ts';
import { build } from './build.ts';
import { cliStart } from './cli-start.ts';
import { compose } from './compose.ts';
import { config } from './config.ts';
import { images } from './images.ts';
import { registry } from './registry.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    services: { type: 'string', default: '10,50' },
    rounds: { type: 'string', default: '5' },
    peer: { type: 'string', multiple: true, default: ['docker compose'] },
    'log-megabytes': { type: 'string', default: '0' },
    corpus: { type: 'string' },
    sample: { type: 'string', default: '50' },
    only: { type: 'string' },
    socket: { type: 'string', default: '/var/run/docker.sock' },
    containers: { type: 'string', default: '200' },
    followers: { type: 'string', default: '500' },
    image: { type: 'string', default: 'busybox:latest' },
    cpu: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const [peer = ''] = values.peer;
/** Of the engine's own commands. */
const engine = peer === 'docker compose' ? 'docker' : peer;

switch (positionals[0]) {
  case 'api':
    await api({
      ...{ rounds, socket: values.socket, peer: engine },
      ...{ containers: Number(values.containers), followers: Number(values.followers) },
      logMegabytes: Number(values['log-megabytes']) || 1000,
    });
    break;
  case 'cli-start':
    cliStart(rounds);
    break;
  case 'build':
    build({ rounds, peer: engine, image: values.image, only: values.only });
    break;
  case 'config':
    config({ rounds, peer, corpus: values.corpus, sample: Number(values.sample) });
    break;
  case 'compose':
    compose({
      services: values.services.split(',').map(Number),
      rounds,
      peers: values.peer,
      image: values.image,
      logMegabytes: Number(values['log-megabytes']),
      cpu: values.cpu,
    });
    break;
  case 'images':
    images({ rounds, peer: engine });
    break;
  case 'registry':
    await registry({ rounds, peer: engine, only: values.only });
    break;
  default:
    console.error(
      'usage: npm run bench -- api|build|cli-start|config|compose|images|registry [--rounds N] [--services 10,50] [--peer "docker compose"]',
    );
    process.exitCode = 1;
}
