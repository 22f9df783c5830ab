import { hostname } from 'node:os';
import { shortId } from '../../common/id.ts';
import type { ContainerRecord } from '../container-record.ts';
import { badLogOption } from './log-values.ts';

const names: Readonly<Record<string, (record: ContainerRecord) => string>> = {
  ID: ({ id }) => shortId(id),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  ImageID: ({ image }) => image.slice(0, 12),
  ImageFullID: ({ image }) => image,
  ImageName: ({ imageName }) => imageName,
  Hostname: () => hostname(),
  Command: ({ path, args }) => [path, ...args].join(' '),
  DaemonName: () => 'iechor',
  ContainerID: ({ id }) => id,
  ContainerName: ({ name }) => `/${name}`,
  ContainerImageID: ({ image }) => image,
  ContainerImageName: ({ imageName }) => imageName,
  ContainerEntrypoint: ({ path }) => path,
  ContainerCreated: ({ createdAt }) => createdAt,
};
const functions: Readonly<Record<string, (text: string) => string>> = {
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  json: (text) => JSON.stringify(text),
};

/** Throws BAD_REQUEST for a tag with anything but text and the fields Docker has for tags. */
export function checkTag(template: string): void {
  renderParts(template, undefined);
}

/** A tag such as `{{.ImageName}}/{{.Name}}/{{.ID}}`; also `{{upper .Name}}` and `{{index .ContainerLabels "key"}}`. */
export function renderTag(template: string, record: ContainerRecord): string {
  return renderParts(template, record);
}

function renderParts(template: string, record: ContainerRecord | undefined): string {
  const text = template.replace(/\{\{(.*?)\}\}/gs, (_all, action: string) => renderAction(action.trim(), record));
  if (/\{\{/.test(template.replace(/\{\{.*?\}\}/gs, ''))) throw badLogOption('template: log-tag:1: unclosed action');
  return text;
}

function renderAction(action: string, record: ContainerRecord | undefined): string {
  const label = /^index\s+\.ContainerLabels\s+"([^"]*)"$/.exec(action)?.[1];
  if (label !== undefined) return record?.config.Labels?.[label] ?? '';
  const [, call, field = ''] = /^(?:(\w+)\s+)?\.(\w+)$/.exec(action) ?? [];
  const read = names[field];
  const apply = call === undefined ? (text: string) => text : functions[call];
  if (read && apply) return record ? apply(read(record)) : '';
  const what = field === '' || (call !== undefined && !apply) ? `cannot read {{${action}}}` : '';
  throw badLogOption(
    what || `template: log-tag: executing "log-tag" at <.${field}>: can't evaluate field ${field} in type *logger.Info`,
    `fields of tags: ${Object.keys(names).slice(0, 9).join(', ')}`,
  );
}
