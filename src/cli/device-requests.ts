import { isCdiName } from '../api/cdi-name.ts';
import type { DeviceRequest } from '../api/types/host-config.ts';
import { usage } from './flag-reader.ts';

/** What `--gpus` and the CDI names among `--device` ask for, as the docker command puts it. */
export function deviceRequests(devices: readonly string[], gpus: string | undefined): DeviceRequest[] {
  const names = devices.filter(isCdiName);
  return [
    ...(gpus === undefined ? [] : [gpuRequest(gpus)]),
    ...(names.length > 0 ? [{ Driver: 'cdi', DeviceIDs: names }] : []),
  ];
}

/** `all`, a number, or `device=0,driver=nvidia,capabilities=utility`, with values that have commas in quotes. */
function gpuRequest(text: string): DeviceRequest {
  const fields = [...text.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const request: DeviceRequest = { Capabilities: [['gpu']] };
  for (const field of fields) {
    const [, key = 'count', value = ''] = /^(?:(\w+)=)?(.*)$/s.exec(field) ?? [];
    if (key === 'driver') request.Driver = value;
    else if (key === 'count') request.Count = count(value);
    else if (key === 'device') request.DeviceIDs = value.split(',');
    else if (key === 'capabilities') request.Capabilities = [[...value.split(','), 'gpu']];
    else if (key === 'options') request.Options = { ...request.Options, ...Object.fromEntries([value.split('=', 2)]) };
    else usage(`unexpected key '${key}' in '${field}'`, 'write e.g. --gpus all or --gpus device=0');
  }
  return { Driver: '', Count: request.DeviceIDs ? 0 : 1, ...request };
}

function count(value: string): number {
  if (value === 'all') return -1;
  if (/^\d{1,6}$/.test(value)) return Number(value);
  return usage(`invalid count (${value}): value must be either "all" or an integer`, 'write e.g. --gpus all');
}
