import { parseArgs } from 'node:util';
import { cliStart } from './cli-start.ts';
import { compose } from './compose.ts';
import { config } from './config.ts';
import { registry } from './registry.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    services: { type: 'string', default: '10,50' },
    rounds: { type: 'string', default: '5' },
    peer: { type: 'string', default: 'docker compose' },
    'log-megabytes': { type: 'string', default: '0' },
    corpus: { type: 'string' },
    sample: { type: 'string', default: '50' },
    only: { type: 'string' },
    image: { type: 'string', default: 'busybox:latest' },
  },
});
const rounds = Number(values.rounds);

switch (positionals[0]) {
  case 'cli-start':
    cliStart(rounds);
    break;
  case 'config':
    config({ rounds, peer: values.peer, corpus: values.corpus, sample: Number(values.sample) });
    break;
  case 'compose':
    compose({
      services: values.services.split(',').map(Number),
      rounds,
      peer: values.peer,
      image: values.image,
      logMegabytes: Number(values['log-megabytes']),
    });
    break;
  case 'registry':
    await registry({ rounds, peer: values.peer === 'docker compose' ? 'docker' : values.peer, only: values.only });
    break;
  default:
    console.error(
      'usage: npm run bench -- cli-start|config|compose|registry [--rounds N] [--services 10,50] [--peer "docker compose"]',
    );
    process.exitCode = 1;
}
