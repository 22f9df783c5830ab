import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PrivateEngine } from '../support/private-engine.ts';
import { writeProject } from '../support/projects.ts';

/** Four services, one built: a dependency on health, two ports, two networks, a volume, a tmpfs, a chatty log. */
export function writeChaosProject(engine: PrivateEngine, ports: readonly [number, number]): string {
  return writeProject(engine, 'chaos', {
    'compose.yaml': `name: chaos
services:
  web:
    build: ./web
    ports: ["127.0.0.1:${ports[0]}:8080"]
    networks: [front]
    volumes: ["pages:/www"]
    depends_on:
      backend: {condition: service_healthy}
  backend:
    image: busybox:latest
    command: ["sh", "-c", "echo ready > /tmp/ready; exec httpd -f -p 9000 -h /tmp"]
    stop_signal: SIGKILL
    networks: [front, back]
    tmpfs: [/scratch]
    healthcheck: {test: ["CMD", "test", "-e", "/tmp/ready"], interval: 100ms, retries: 30}
  database:
    image: busybox:latest
    command: ["httpd", "-f", "-p", "5432", "-h", "/data"]
    stop_signal: SIGKILL
    ports: ["127.0.0.1:${ports[1]}:5432/tcp"]
    networks: [back]
    volumes: ["rows:/data"]
    depends_on: {web: {condition: service_started}}
  chatty:
    image: busybox:latest
    command: ["sh", "-c", "trap 'exit 0' TERM; while :; do echo line; usleep 20000; done"]
    stop_grace_period: 2s
    restart: unless-stopped
    networks: [back]
networks:
  front:
  back:
volumes:
  pages:
  rows:
`,
    'web/iEchorfile': `FROM busybox:latest
COPY round.txt /www/index.html
RUN echo built > /built && cat /www/index.html >> /built
STOPSIGNAL SIGKILL
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
`,
    'web/round.txt': '0\n',
  });
}

/** Makes the next build do its work. */
export function changeBuild(dir: string, round: string): void {
  writeFileSync(join(dir, 'web/round.txt'), `${round}\n`);
}
