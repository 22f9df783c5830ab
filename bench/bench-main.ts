import { parseArgs } from 'node:util';
import { cliStart } from './cli-start.ts';
import { config } from './config.ts';
import { upDown } from './up-down.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    services: { type: 'string', default: '10,50' },
    rounds: { type: 'string', default: '5' },
    peer: { type: 'string', default: 'docker compose' },
    corpus: { type: 'string' },
    sample: { type: 'string', default: '50' },
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
  case 'up-down':
    upDown({ services: values.services.split(',').map(Number), rounds, peer: values.peer, image: values.image });
    break;
  default:
    console.error(
      'usage: npm run bench -- cli-start|config|up-down [--rounds N] [--services 10,50] [--peer "docker compose"]',
    );
    process.exitCode = 1;
}
