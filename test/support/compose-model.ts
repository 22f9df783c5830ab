import type { Project, Service } from '../../src/compose/model/project.ts';

/** A service of the model as loading would make it, with the smallest content. */
export const service = (more: Partial<Service> = {}): Service => ({
  image: 'busybox:latest',
  command: null,
  entrypoint: null,
  networks: { default: null },
  ...more,
});

/** A project of the model named `shop`, without any file behind it. */
export const project = (services: Record<string, Service>, more: Partial<Project> = {}): Project => ({
  name: 'shop',
  services,
  networks: { default: { name: 'shop_default', ipam: {} } },
  volumes: {},
  secrets: {},
  configs: {},
  models: {},
  disabledServices: {},
  profiles: [],
  workingDirectory: '/project',
  composeFiles: ['/project/compose.yaml'],
  environment: {},
  ...more,
});
