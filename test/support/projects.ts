import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PrivateEngine } from './private-engine.ts';

/** Writes files of a project below the engine's directory and returns the project's directory. */
export function writeProject(engine: PrivateEngine, name: string, files: Readonly<Record<string, string>>): string {
  const dir = join(engine.dir, 'projects', name);
  mkdirSync(dir, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), text);
  }
  return dir;
}

/** A web tier that is built, a backend with a health check, two networks, a volume and a published port. */
export function shopProject(port: number): Readonly<Record<string, string>> {
  return {
    'compose.yaml': `name: shop
services:
  web:
    build: ./web
    ports: ["127.0.0.1:${port}:8080"]
    networks: [front]
    volumes: ["pages:/www"]
    depends_on:
      backend: {condition: service_healthy}
  backend:
    stop_signal: SIGKILL
    image: busybox:latest
    command: ["sh", "-c", "echo ready > /tmp/ready; httpd -f -p 9000"]
    networks: [front, back]
    healthcheck: {test: ["CMD", "test", "-e", "/tmp/ready"], interval: 200ms, retries: 20}
  database:
    stop_signal: SIGKILL
    image: busybox:latest
    command: ["httpd", "-f", "-p", "5432"]
    networks: [back]
networks:
  front:
  back: {internal: true}
volumes:
  pages:
`,
    'web/iEchorfile': `FROM busybox:latest
COPY index.html /www/index.html
EXPOSE 8080
STOPSIGNAL SIGKILL
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
`,
    'web/index.html': 'welcome\n',
  };
}
