/** Names that are looked for where none is given, the first that is there wins. */
export const fileNames = [
  'iechor-compose.yaml',
  'iechor-compose.yml',
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
];
/** Merged over the file that was found, where one is beside it. */
export const overrideNames = [
  'iechor-compose.override.yaml',
  'iechor-compose.override.yml',
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];
