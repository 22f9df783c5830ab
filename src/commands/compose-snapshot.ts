import { startupSnapshot } from 'node:v8';
import { program } from './program.ts';
import { composeCommands } from './table-compose.ts';

/**
 * What Node's startup snapshot of the Compose commands is made from (docs/decisions/0014): all their modules are set
 * up here, once, when the product is built, and what every `up` does is done once, so that its functions are compiled.
 * Nothing may be read from the environment meanwhile: scripts/build-snapshot.mjs sees to it.
 */
async function prepare(): Promise<void> {
  for (const row of Object.values(composeCommands)) await row.load();
  await import('../cli/connect.ts');
  const { load } = await import('../compose/source/load.ts');
  await load({ files: ['-'], cwd: '/', environment: {}, stdin: async () => sample });
}

/** A project with the attributes that most projects have. */
const sample = `
name: sample
services:
  web:
    build: { context: ., args: { VERSION: "\${VERSION:-1}" } }
    ports: ["8080:80"]
    environment: { MODE: production }
    depends_on: { db: { condition: service_healthy } }
    deploy: { replicas: 2, resources: { limits: { memory: 64M } } }
  db:
    image: postgres:16
    command: ["postgres", "-c", "fsync=off"]
    volumes: ["data:/var/lib/postgresql/data", "./init:/docker-entrypoint-initdb.d:ro"]
    networks: [back]
    restart: unless-stopped
    healthcheck: { test: ["CMD", "pg_isready"], interval: 5s }
    secrets: [password]
networks: { back: {} }
volumes: { data: {} }
secrets: { password: { file: ./password } }
`;

void prepare().then(() =>
  startupSnapshot.setDeserializeMainFunction(() => {
    void program(process.argv.slice(1));
  }),
);
